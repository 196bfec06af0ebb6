#include "durability/walog/write/segment_file.hpp"

#include <gtest/gtest.h>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::walog {
namespace {

// Each error of a segment's file named the temporary that it had been made as, `wal_1.log.3f….tmp`, which
// nobody finds: it has had its own name ever since.
TEST(SegmentFile, ErrorsNameItAsItIsCalledNow) {
  const internal::TemporaryDirectory place;
  const std::shared_ptr<Directory> directory = FsDirectory::open(place.path()).value();
  ASSERT_TRUE(directory->create_directories(kWalDirectory));
  const auto built = build_segment(*directory, {.id = SegmentId(1), .contents = as_bytes("x")});
  ASSERT_TRUE(built);
  ASSERT_TRUE(built->file->close());
  EXPECT_EQ(built->file->size().error().path(), "wal/wal_1.log");
}

}  // namespace
}  // namespace durability::walog
