// The background under every schedule: seals are synced and the next segment's file is prepared by a worker,
// while the writer goes on.

#include <utility>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/reader.hpp"
#include "life.hpp"

namespace durability::schedules {
namespace {

/// One thread's writer, beside its worker's.
class Writer {
 public:
  explicit Writer(WalOptions options = {}) {
    const OneWay one_way;
    disk_->on_write([this](std::string_view name) { require_order(name); });
    auto writer = walog::ByteWriter::open(disk_, small(std::move(options)), walog::OpenIntent::kOpenOrCreate);
    require_ok(writer, "open");
    writer_ = *std::move(writer);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  walog::ByteWriter* operator->() noexcept { return writer_.get(); }
  [[nodiscard]] StepDirectory& disk() noexcept { return *disk_; }
  Result<EntryId> append(std::string_view text) { return writer_->append(as_bytes(entry(text, 130))); }
  void destroy() { writer_.reset(); }
  /// The log as it is on the disk holds so many entries.
  void require_entries(std::uint64_t wanted) {
    const auto count = WalReader<std::string>(disk_->plain()).count(ReadMode::kStrict);
    require_ok(count, "read");
    require(*count == wanted, fmt::format("there are {} entries, not {}", *count, wanted));
  }

 private:
  // Of a segment nothing is written before all of the one before it is synced, its seal included. What
  // is written to a file that waits to become a segment are zeros.
  void require_order(std::string_view name) {
    const auto segment = walog::parse_segment_name(name.substr(name.rfind('/') + 1));
    if (!segment || segment->value() == 1) return;
    const std::string before = walog::segment_path(SegmentId(segment->value() - 1));
    if (!disk_->plain()->exists(before).value()) return;
    require(disk_->is_synced(before), fmt::format("{} is written to, and {} is not synced", name, before));
  }

  std::shared_ptr<StepDirectory> disk_ = StepDirectory::make();
  std::unique_ptr<walog::ByteWriter> writer_;
};

TEST(BackgroundSchedules, NothingIsWrittenBeforeTheSegmentInFrontIsSynced) {
  explore("rotations beside the worker", 3, [] {
    Writer writer;
    for (const char* text : {"a", "b", "c"}) require_ok(writer.append(text), "append");
    require_ok(writer->flush_and_sync(), "sync");
    require_ok(writer.append("d"), "append");
    require_ok(writer->close(), "close");
    writer.require_entries(4);
  });
}

TEST(BackgroundSchedules, ClosingGivesUpASpare) {
  explore("close beside the preparation of a spare", 3, [] {
    Writer writer;
    require_ok(writer.append("a"), "append");
    require_ok(writer->close(), "close");
    writer.require_entries(1);
  });
}

// The worker may be another log's too, and live on.
TEST(BackgroundSchedules, TheDestructorWaitsForWhatIsUnderWay) {
  explore("the destructor beside a seal's sync", 3, [] {
    const std::shared_ptr<Worker> worker = Worker::thread().value();
    Writer writer(WalOptions{.worker = worker});
    for (const char* text : {"a", "b"}) require_ok(writer.append(text), "append");
    require_ok(writer->flush(), "flush");
    writer.destroy();
    writer.disk().must_rest();
    writer.require_entries(2);
  });
}

TEST(BackgroundSchedules, AfterASealsFailedSyncNothingIsWritten) {
  explore("a seal's failed sync beside the writer", 3, [] {
    Writer writer;
    writer.disk().fail_syncs_of("a..");
    require_ok(writer.append("a"), "append");
    static_cast<void>(writer.append("b"));
    require(!writer->flush_and_sync(), "a sync succeeds after one that failed");
    require(!writer.append("c"), "an append after a failed sync");
    require(!writer->close(), "close says nothing of the failed sync");
    require(writer.disk().failed_syncs() == 1, "a failed sync is tried again, or was none");
  });
}

}  // namespace
}  // namespace durability::schedules
