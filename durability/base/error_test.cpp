#include "durability/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>

#include "durability/base/result.hpp"

namespace durability {
namespace {

TEST(Error, SaysWhereWhatAndWhatToDo) {
  const Error error = Error(ErrorCode::kCrcMismatch, "checksum of the payload")
                          .in_file("wal/wal_1.log")
                          .at_offset(48)
                          .with_values(7, 9)
                          .advise("restore the file");
  EXPECT_EQ(error.to_string(),
            "wal/wal_1.log: offset 48: checksum of the payload (expected 7, found 9); restore the file");
  EXPECT_EQ(error.code(), ErrorCode::kCrcMismatch);
  EXPECT_EQ(error.path(), "wal/wal_1.log");
  EXPECT_EQ(error.offset(), 48U);
  EXPECT_EQ(error.expected(), 7U);
  EXPECT_EQ(error.actual(), 9U);
  EXPECT_EQ(error.advice(), "restore the file");
  EXPECT_EQ(error.os_error(), 0);
}

TEST(Error, LeavesOutWhatItDoesNotKnow) {
  const Error error(ErrorCode::kFormat, "bad magic");
  EXPECT_EQ(error.to_string(), "bad magic");
  EXPECT_FALSE(error.offset());
  EXPECT_EQ(Error(error).at_offset(0).to_string(), "offset 0: bad magic");
}

TEST(Error, KeepsTheErrnoOfTheSystem) {
  const Error error = Error::from_errno(ENOSPC, "write");
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_EQ(error.os_error(), ENOSPC);
  EXPECT_EQ(error.message(), "write: No space left on device");
}

TEST(Error, EscapesAHostileNameWhenItIsShownOnly) {
  const std::string hostile = "a\n\x1b[31mok\\\xff";
  const Error error = Error(ErrorCode::kIo, "open").in_file(hostile);
  EXPECT_EQ(error.path(), hostile);
  EXPECT_EQ(error.to_string(), "a\\x0a\\x1b[31mok\\x5c\\xff: open");
}

TEST(Error, PrintsItsCodeToAStreamAndItsTextThroughFmt) {
  const Error error = Error(ErrorCode::kTornTail, "the log ends early").in_file("x");
  std::ostringstream out;
  out << error;
  EXPECT_EQ(out.str(), "torn_tail: x: the log ends early");
  EXPECT_EQ(fmt::format("[{}]", error), "[x: the log ends early]");
}

TEST(ErrorCode, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (auto code = 0; code <= static_cast<int>(ErrorCode::kTruncatedAway); ++code) {
    names.insert(code_name(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kTruncatedAway) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

Result<int> half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kInvalidConfig, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  DURABILITY_TRY_ASSIGN(const int once, half(value));
  DURABILITY_TRY(half(once));
  return half(once);
}

TEST(Result, TryLeavesWithTheFirstErrorAndGoesOnOtherwise) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(quarter(7).error().message(), "odd");
}

}  // namespace
}  // namespace durability
