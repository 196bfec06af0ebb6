#include "durability/base/result.hpp"

#include <gtest/gtest.h>

#include <string>

namespace durability {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::kInvalidConfig, "an odd number").in_file("numbers");
  return number / 2;
}

Status check(int number) {
  DURABILITY_TRY(half(number));
  return {};
}

Result<int> quarter(int number) {
  DURABILITY_TRY_ASSIGN(const int once, half(number));
  return half(once);
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(half(4).value(), 2);
  EXPECT_EQ(half(3).error().code(), ErrorCode::kInvalidConfig);
}

TEST(Result, TheFirstErrorLeavesTheFunction) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().path(), "numbers");
  EXPECT_TRUE(check(2));
  EXPECT_FALSE(check(1));
}

TEST(Result, ValueThrowsWhatTheErrorSays) {
  EXPECT_NO_THROW(check(2).value());
  try {
    check(1).value();
    FAIL() << "did not throw";
  } catch (const BadResult& bad) {
    EXPECT_STREQ(bad.what(), "invalid_config: numbers: an odd number");
    EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidConfig);
  }
  EXPECT_THROW(static_cast<void>(half(1).value()), tl::bad_expected_access<Error>);
}

}  // namespace
}  // namespace durability
