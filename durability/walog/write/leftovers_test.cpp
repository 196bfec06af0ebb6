#include "durability/walog/write/leftovers.hpp"

#include <gtest/gtest.h>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

void touch(Directory& directory, std::string_view name) {
  ASSERT_TRUE(directory.create("wal/" + std::string(name)));
}

// Only what a crashed writer of segments can have left is removed.
TEST(Leftovers, OnlyExactTemporariesOfSegmentsAreRemoved) {
  const auto directory = MemoryDirectory::make();
  for (const char* ours : {"wal_1.log.0123456789abcdef.tmp", "wal_27.log.ffffffffffffffff.tmp"}) {
    touch(*directory, ours);
  }
  const std::vector<std::string> others = {".lock",
                                           "checkpoint.0123456789abcdef.tmp",
                                           "wal_01.log.0123456789abcdef.tmp",
                                           "wal_1.log",
                                           "wal_1.log.0123456789ABCDEF.tmp",
                                           "wal_1.log.0123456789abcde.tmp",
                                           "wal_1.log.0123456789abcdef.tmp.old",
                                           "wal_1.log.tmp",
                                           "wal_x.log.0123456789abcdef.tmp"};
  for (const auto& name : others) touch(*directory, name);
  ASSERT_TRUE(remove_temporaries(*directory));
  EXPECT_EQ(directory->list("wal").value(), others);
}

// A tree of files stood under the name of a segment's temporary, and opening the log deleted it.
TEST(Leftovers, ADirectoryOfATemporarysNameIsLeftAlone) {
  const auto directory = MemoryDirectory::make();
  touch(*directory, "wal_2.log.0123456789abcdef.tmp/kept");
  ASSERT_TRUE(remove_temporaries(*directory));
  EXPECT_TRUE(directory->exists("wal/wal_2.log.0123456789abcdef.tmp/kept").value());
}

}  // namespace
}  // namespace durability::walog
