#include "durability/async/lent.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace durability::async {
namespace {

TEST(Lent, NobodyBorrowsWhatWasRecalled) {
  const auto lent = std::make_shared<Lent<int>>(std::make_shared<int>(7));
  {
    const auto use = lent->borrow();
    ASSERT_TRUE(use);
    EXPECT_EQ(*use, 7);
  }
  lent->recall();
  EXPECT_FALSE(lent->borrow());
}

TEST(Lent, RecallingItWaitsForWhoUsesIt) {
  auto object = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = object;
  const auto lent = std::make_shared<Lent<int>>(std::move(object));
  std::optional<Lent<int>::Use> use(lent->borrow());
  std::thread owner([&] { lent->recall(); });
  // From the refusal on the owner waits, or has let go of the object.
  while (lent->borrow()) std::this_thread::yield();
  EXPECT_FALSE(watched.expired());
  use.reset();
  owner.join();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace durability::async
