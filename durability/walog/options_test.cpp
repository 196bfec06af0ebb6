#include "durability/walog/options.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "durability/walog/test_support.hpp"

namespace durability {
namespace {

using walog::test::fails_with;

struct OptionCase {
  const char* name;
  std::function<void(WalOptions&)> set;
};

const OptionCase kInvalid[] = {
    {"segment_bytes 0", [](WalOptions& o) { o.segment_bytes = 0; }},
    {"segment_bytes below a header, a frame and a seal", [](WalOptions& o) { o.segment_bytes = 127; }},
    {"segment_bytes over 1 TiB",
     [](WalOptions& o) {
       o.segment_bytes = (std::uint64_t{1} << 40U) + 1;
       o.preallocate_bytes = 0;
     }},
    {"segment_bytes 2^64 - 1", [](WalOptions& o) { o.segment_bytes = ~std::uint64_t{0}; }},
    {"segment_max_age negative", [](WalOptions& o) { o.segment_max_age = std::chrono::milliseconds(-1); }},
    {"buffer_bytes 0", [](WalOptions& o) { o.buffer_bytes = 0; }},
    {"buffer_bytes over 1 GiB", [](WalOptions& o) { o.buffer_bytes = (std::size_t{1} << 30U) + 1; }},
    {"preallocation past the segment",
     [](WalOptions& o) {
       o.segment_bytes = 4096;
       o.preallocate_bytes = 4097;
     }},
    {"first_entry_id 0", [](WalOptions& o) { o.first_entry_id = EntryId(0); }},
    {"flush every 0 appends", [](WalOptions& o) { o.flush = FlushPolicy::every(0); }},
    {"a flush interval of 0",
     [](WalOptions& o) { o.flush = FlushPolicy::interval(std::chrono::nanoseconds(0)); }},
    {"a negative flush interval",
     [](WalOptions& o) { o.flush = FlushPolicy::interval(std::chrono::nanoseconds(-1)); }},
};

TEST(WalOptions, AValueThatMakesNoSenseIsRefusedAndNothingIsCreated) {
  for (const OptionCase& option : kInvalid) {
    SCOPED_TRACE(option.name);
    WalOptions options;
    option.set(options);
    EXPECT_TRUE(fails_with(options.validate(), ErrorCode::kInvalidConfig));
    for (const auto intent :
         {walog::OpenIntent::kOpenOrCreate, walog::OpenIntent::kCreate, walog::OpenIntent::kResume}) {
      const auto directory = MemoryDirectory::make();
      EXPECT_TRUE(
          fails_with(walog::test::open_writer(directory, options, intent), ErrorCode::kInvalidConfig));
      EXPECT_TRUE(directory->list("").value().empty());
    }
  }
}

TEST(WalOptions, TheBoundsThemselvesAreValid) {
  WalOptions options;
  EXPECT_TRUE(options.validate());
  options.segment_bytes = 128;
  options.preallocate_bytes = 128;
  options.buffer_bytes = 1;
  EXPECT_TRUE(options.validate());
  options.segment_bytes = std::uint64_t{1} << 40U;
  options.preallocate_bytes = 0;
  options.buffer_bytes = std::size_t{1} << 30U;
  options.first_entry_id = EntryId(~std::uint64_t{0});
  EXPECT_TRUE(options.validate());
}

TEST(WalOptions, AVersion4SegmentIsPreallocatedToItsSizeUnlessToldOtherwise) {
  WalOptions options;
  EXPECT_EQ(options.preallocation(), std::uint64_t{16} << 20U);
  options.segment_bytes = 4096;
  EXPECT_EQ(options.preallocation(), 4096U);
  options.preallocate_bytes = 0;
  EXPECT_EQ(options.preallocation(), 0U);
}

}  // namespace
}  // namespace durability
