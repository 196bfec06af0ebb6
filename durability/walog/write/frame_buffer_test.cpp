#include "durability/walog/write/frame_buffer.hpp"

#include <gtest/gtest.h>

namespace durability::walog {
namespace {

TEST(FrameBuffer, HoldsWhatIsPutIntoItInOrderWhateverItsCapacity) {
  for (const std::size_t capacity : {0U, 1U, 5U, 100U}) {
    FrameBuffer buffer(capacity);
    EXPECT_TRUE(buffer.empty());
    buffer.append(as_bytes("begin "));
    const MutableByteView middle = buffer.extend(3);
    middle[0] = middle[1] = middle[2] = std::byte{'+'};
    buffer.append({});
    buffer.append(as_bytes(" end"));
    EXPECT_EQ(as_text(buffer.bytes()), "begin +++ end");
    EXPECT_EQ(buffer.size(), 13U);
    buffer.clear();
    EXPECT_TRUE(buffer.empty());
    buffer.append(as_bytes("again"));
    EXPECT_EQ(as_text(buffer.bytes()), "again");
  }
}

}  // namespace
}  // namespace durability::walog
