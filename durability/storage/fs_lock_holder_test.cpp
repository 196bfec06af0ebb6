#include "durability/storage/fs_lock_holder.hpp"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace durability::internal {
namespace {

FileStatus file(unsigned major_number, unsigned minor_number, ino_t inode) {
  FileStatus status{};
  status.st_dev = makedev(major_number, minor_number);
  status.st_ino = inode;
  return status;
}

constexpr std::string_view kListing =
    "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF\n"
    "1: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF\n"
    "2: POSIX  ADVISORY  READ  4713 08:01:1235 128 128\n"
    "3: FLOCK  ADVISORY  WRITE 0 08:01:1236 0 EOF\n"
    "4: FLOCK  ADVISORY  WRITE 4714 00:1f:1237 0 EOF\n"
    "5: FLOCK  ADVISORY  WRITE 4715 00:20:1238 0 EOF\n"
    "6: FLOCK  ADVISORY  WRITE 4716 00:21:1238 0 EOF\n";

TEST(LockHolder, IsTheProcessOnTheLineOfTheFile) {
  EXPECT_EQ(holder_in_listing(kListing, file(8, 1, 1234)), 4711);
  EXPECT_EQ(holder_in_listing(kListing, file(0, 0x21, 1238)), 4716);
}

TEST(LockHolder, IsNobodyWhereAnotherKindOfLockIsHeldOrByOneThatIsNotSeen) {
  EXPECT_EQ(holder_in_listing(kListing, file(8, 1, 1235)), std::nullopt);
  EXPECT_EQ(holder_in_listing(kListing, file(8, 1, 1236)), std::nullopt);
  EXPECT_EQ(holder_in_listing(kListing, file(8, 1, 4711)), std::nullopt);
}

// btrfs and overlays show programs one device, and the list of locks another.
TEST(LockHolder, IsFoundByItsInodeAloneWhereOnlyOneLineHasIt) {
  EXPECT_EQ(holder_in_listing(kListing, file(0, 0x55, 1237)), 4714);
  EXPECT_EQ(holder_in_listing(kListing, file(0, 0x55, 1238)), std::nullopt);
}

TEST(LockHolder, IsNobodyInWhatIsNoListing) {
  for (const std::string_view text :
       {"", "\n", "\n\n", "1:", "1: FLOCK", "1: FLOCK  ADVISORY  WRITE x y", "x"}) {
    EXPECT_EQ(holder_in_listing(text, file(8, 1, 1234)), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace durability::internal
