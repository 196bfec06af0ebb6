// Segments walked by a thread beside the scan that reads them in order, under every schedule.

#include "durability/walog/read/parallel_walk.hpp"

#include <map>
#include <vector>

#include "durability/walog/format/segment_name.hpp"
#include "life.hpp"

namespace durability::schedules {
namespace {

const std::vector<SegmentId> kSealed{SegmentId(1), SegmentId(2)};

/// The files of a log with two sealed segments.
std::map<std::string, std::string> files_of_a_log() {
  std::map<std::string, std::string> files;
  testing::ScheduleExplorer explorer({.preemptions = 0});
  explorer.explore("a log", [&] {
    Log log;
    for (const char* text : {"a", "b", "c"}) {
      require_ok(log.commit().append(as_bytes(entry(text, 130))), "append");
    }
    require_ok(log.commit().close(), "close");
    for (const SegmentId id : kSealed) {
      const std::string path = walog::segment_path(id);
      files[path] = as_text(log.directory()->read_file(path, 1024).value());
    }
  });
  EXPECT_EQ(explorer.failure(), "");
  return files;
}

std::shared_ptr<StepDirectory> directory_with(const std::map<std::string, std::string>& files) {
  auto directory = StepDirectory::make();
  require_ok(directory->create_directories(walog::kWalDirectory), "create");
  for (const auto& [path, text] : files) {
    require_ok(directory->create(path).value()->write_at(0, as_bytes(text)), "write");
  }
  return directory;
}

// Both would read it where the scan did not wait for a walk that has begun.
TEST(ParallelWalkSchedules, NoSegmentIsWalkedTwice) {
  explore("check beside the scan", 3, [files = files_of_a_log()] {
    const auto directory = directory_with(files);
    Atomic<std::uint64_t> reads{0};
    directory->on_step([&](std::string_view what) { reads.fetch_add(what == "read" ? 1 : 0); });
    bool found = false;
    std::uint64_t before = 0;
    {
      walog::ParallelWalk walks(*directory, kSealed, 1, 1024);
      static_cast<void>(walks.wait_for(kSealed.front()));
      found = walks.wait_for(kSealed.back()).has_value();
      before = reads;
    }
    require(found || reads == before, "a segment is left to the scan, and walked all the same");
  });
}

// There is a schedule in which it ends at once.
TEST(ParallelWalkSchedules, EndsWithoutTheSegmentsThatAreLeft) {
  bool any_was_left = false;
  explore("end of a check", 2, [&, files = files_of_a_log()] {
    const auto directory = directory_with(files);
    std::size_t opened = 0;
    directory->on_step([&](std::string_view what) { opened += what == "open" ? 1U : 0U; });
    {
      const walog::ParallelWalk walks(*directory, kSealed, 1, 1024);
    }
    any_was_left = any_was_left || opened < kSealed.size();
  });
  EXPECT_TRUE(any_was_left);
}

}  // namespace
}  // namespace durability::schedules
