#include "durability/base/ids.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>

namespace durability {
namespace {

TEST(EntryId, RisesByOne) { EXPECT_EQ(EntryId(41).next().value(), EntryId(42)); }

// C19: u64 ids once wrapped to 0 after the last one.
TEST(EntryId, RefusesToWrapAtTheEndOfU64) {
  const auto next = EntryId(std::numeric_limits<std::uint64_t>::max()).next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), ErrorCode::kInvalidState);
}

TEST(EntryId, CannotBeMixedUpWithASegmentIdOrANumber) {
  EXPECT_FALSE((std::is_convertible_v<EntryId, SegmentId>));
  EXPECT_FALSE((std::is_convertible_v<std::uint64_t, EntryId>));
}

TEST(DurableId, CannotBeMadeFromAnEntryId) {
  EXPECT_FALSE((std::is_constructible_v<DurableId, EntryId>));
  EXPECT_FALSE((std::is_constructible_v<DurableId, std::uint64_t>));
  EXPECT_FALSE(std::is_default_constructible_v<DurableId>);
}

}  // namespace
}  // namespace durability
