#include "durability/base/unique_function.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

namespace durability {
namespace {

TEST(UniqueFunction, CallsWhatItHoldsThoughThatCannotBeCopied) {
  UniqueFunction<int(int)> add = [number = std::make_unique<int>(3)](int more) { return *number + more; };
  EXPECT_EQ(add(4), 7);
  EXPECT_EQ(add(5), 8);
}

TEST(UniqueFunction, IsEmptyOnceItWasMovedFrom) {
  UniqueFunction<int()> first = [] { return 1; };
  UniqueFunction<int()> second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is tested
  ASSERT_TRUE(second);
  EXPECT_EQ(second(), 1);
  EXPECT_FALSE(UniqueFunction<int()>());
}

// They passed for something to call, and were called.
TEST(UniqueFunction, IsEmptyWhereWhatItIsMadeOfCallsNothing) {
  EXPECT_FALSE(UniqueFunction<int()>(std::function<int()>()));
  int (*const nowhere)() = nullptr;
  EXPECT_FALSE(UniqueFunction<int()>(nowhere));
  UniqueFunction<int()> somewhere = std::function<int()>([] { return 2; });
  ASSERT_TRUE(somewhere);
  EXPECT_EQ(somewhere(), 2);
  struct SaysNo {  // not of an empty one
    int operator()() const { return 3; }
    explicit operator bool() const { return false; }
  };
  EXPECT_TRUE(UniqueFunction<int()>(SaysNo()));
}

TEST(UniqueFunction, EndsWhatItHoldsOnceWhereverThatIs) {
  const auto alive = std::make_shared<int>(0);
  {
    const std::array<char, 100> large{};
    UniqueFunction<void()> small = [alive] {};
    UniqueFunction<void()> on_heap = [alive, large] { (void)large; };
    EXPECT_EQ(alive.use_count(), 3);
    small = std::move(on_heap);
    EXPECT_EQ(alive.use_count(), 2) << "what was assigned over";
    UniqueFunction<void()> moved = std::move(small);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(UniqueFunction, HandsItsArgumentsOnWithoutCopies) {
  UniqueFunction<int(std::unique_ptr<int>)> value = [](std::unique_ptr<int> number) { return *number; };
  EXPECT_EQ(value(std::make_unique<int>(9)), 9);
}

}  // namespace
}  // namespace durability
