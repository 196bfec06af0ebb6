// Publishing under every schedule: beside itself, truncation, appends and close. Nobody's publication may put
// its checkpoint over a newer one's, whose log is gone.

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "durability/publish/publisher.hpp"
#include "typed_log.hpp"

namespace durability::schedules {
namespace {

constexpr std::string_view kPath = "state.ckpt";

/// A disk that looks, at each step that could part them, whether the checkpoint and the log still fit.
class StoreDisk final : public StepDirectory {
 public:
  Status do_rename(std::string_view from, std::string_view to) override {
    const std::uint64_t before = published();
    DURABILITY_TRY(StepDirectory::do_rename(from, to));
    if (to != kPath) return {};
    require(!lost_lock_, "the lock was lost before the checkpoint was written, and it is put in place");
    require(published() >= before, "an older checkpoint replaces a newer one");
    require(published() >= deleted_, "a checkpoint is put in place, and entries after it are deleted");
    return {};
  }
  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override {
    if (mode == OpenMode::kCreateNew && path.starts_with(kPath))
      lost_lock_ = !plain()->exists("wal/.lock").value();
    return StepDirectory::do_open(path, mode);
  }
  /// Before the log deletes what it holds up to `last`.
  void about_to_delete(std::uint64_t last) {
    require(published() >= last, "entries are deleted that no checkpoint in place contains");
    require(!has_new_name(kPath), "entries are deleted, and their checkpoint's name is not durable");
    deleted_ = std::max(deleted_, last);
  }

  /// The entry that the checkpoint in place goes up to.
  [[nodiscard]] std::uint64_t published() const {
    const auto header = CheckpointFile(plain()).read_header(kPath);
    return header ? header->last_applied.value() : 0;
  }

 private:
  std::uint64_t deleted_ = 0;
  bool lost_lock_ = false;
};

class Deletions final : public WalObserver {
 public:
  explicit Deletions(StoreDisk& disk) : disk_(disk) {}
  bool before_truncate(const SegmentRange& range) noexcept override {
    disk_.about_to_delete(range.first.value() + range.entries - 1);
    return true;
  }

 private:
  StoreDisk& disk_;
};

/// A log with an entry in each of its segments, 1 to 4, all of it durable.
class Store {
 public:
  Store() {
    const OneWay one_way;
    for (const char* text : {"one", "two", "three", "four"}) {
      ids_.push_back(log_.append_durable(entry(text, 130)).value());
    }
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] SyncWalWriter<std::string>& wal() noexcept { return log_.wal(); }
  [[nodiscard]] TypedLog& log() noexcept { return log_; }
  [[nodiscard]] StoreDisk& disk() noexcept { return *disk_; }
  [[nodiscard]] DurableId id(std::size_t entry) const { return ids_[entry - 1]; }

  Result<PublishResult> publish(std::size_t upto) {
    return CheckpointPublisher(disk_).publish(wal(), std::to_string(upto), id(upto), kPath);
  }
  Result<PublishResult> publish_with_marker(std::size_t upto) {
    return CheckpointPublisher(disk_).publish(
        wal(), std::to_string(upto), id(upto), kPath,
        [](std::string_view path, DurableId /*upto*/) { return std::string(path); });
  }
  /// Puts a checkpoint in place, and leaves the log as it is.
  void place(std::size_t upto) {
    const OneWay one_way;
    require_ok(CheckpointFile(disk_).write_durable(kPath, id(upto), std::to_string(upto)), "write");
  }
  /// Publishes what may be older than what is published already.
  void publish_or_be_late(std::size_t upto) {
    const auto published = publish(upto);
    if (published) return;
    const ErrorCode code = published.error().code();
    require(code == ErrorCode::kInvalidState || code == ErrorCode::kTruncatedAway,
            published.error().to_string());
    require(disk_->published() > upto, "refused, and nothing newer is published");
  }
  /// What is published and what is in the log make all that was acknowledged.
  void require_whole() {
    const auto ranges = wal().segment_ranges();
    require(ranges.front().first.value() <= disk_->published() + 1,
            "entries are in neither log nor checkpoint");
  }

 private:
  std::shared_ptr<StoreDisk> disk_ = std::make_shared<StoreDisk>();
  TypedLog log_{disk_, WalOptions{.observer = std::make_shared<Deletions>(*disk_)}};
  std::vector<DurableId> ids_;
};

// A publication was given up and went on by itself; a newer one was published, and the log it covers deleted;
// then the first one's rename put the older checkpoint over the newer.
TEST(PublishingSchedules, NoOlderCheckpointReplacesANewerOne) {
  explore("publish beside publish", 3, [] {
    Store store;
    Thread older = run([&] { store.publish_or_be_late(2); });
    const auto published = store.publish(3);
    require_ok(published, "publish");
    older.join();
    require(store.disk().published() == 3, "the newest is not what is there");
    store.require_whole();
  });
}

TEST(PublishingSchedules, ThreePublicationsBesideAppends) {
  explore("three publish, one appends", 1, [] {
    Store store;
    Thread older = run([&] { store.publish_or_be_late(2); });
    Thread newer = run([&] { require_ok(store.publish(4), "publish"); });
    Thread appending = run([&] { require_ok(store.log().append_durable(entry("five", 130)), "append"); });
    store.publish_or_be_late(3);
    older.join();
    newer.join();
    appending.join();
    require(store.disk().published() == 4, "the newest is not what is there");
    store.require_whole();
  });
}

TEST(PublishingSchedules, TruncationHasItsTurn) {
  explore("publish beside truncate and append", 2, [] {
    Store store;
    store.place(2);
    Thread truncating = run([&] { require_ok(store.wal().truncate_prefix(store.id(2)), "truncate"); });
    Thread older = run([&] { store.publish_or_be_late(1); });
    require_ok(store.publish(4), "publish");
    truncating.join();
    older.join();
    store.require_whole();
  });
}

TEST(PublishingSchedules, CloseWaitsForIt) {
  explore("publish beside close", 2, [] {
    Store store;
    Result<PublishResult> published = Error(ErrorCode::kClosed, "");
    Thread publishing = run([&] { published = store.publish_with_marker(3); });
    Thread appending = run([&] { static_cast<void>(store.log().append_durable(entry("five", 60))); });
    require_ok(store.wal().close(), "close");
    store.disk().must_rest();
    publishing.join();
    appending.join();
    require(published || published.error().code() == ErrorCode::kClosed, "neither published nor refused");
    require(store.disk().published() == (published ? 3 : 0), "refused, and published all the same");
    require(!published || published->marker.has_value(), "published without its marker");
  });
}

TEST(PublishingSchedules, TheDestructorWaitsForIt) {
  explore("a publication beside the destructor", 3, [] {
    Store store;
    auto turn = store.wal().begin_publication();
    require_ok(turn, "begin");
    bool over = false;
    Thread publishing =
        run([&, held = std::make_shared<walog::Publication<walog::GroupCommit>>(*std::move(turn))] {
          require_ok(held->may_publish(store.id(2)), "may publish");
          held->published(store.id(2));
          require_ok(held->may_publish(store.id(3)), "may publish");
          over = true;
        });
    store.log().destroy();
    require(over, "the log is gone, and a publication is not over");
    publishing.join();
  });
}

TEST(PublishingSchedules, OneThatFindsNoMemoryGivesItsTurnBack) {
  explore("a publication that throws", 1, [] {
    Store store;
    store.disk().on_step([left = std::make_shared<Atomic<int>>(1)](std::string_view what) {
      if (what == "open" && left->exchange(0) == 1) throw std::bad_alloc();
    });
    const auto publish = [&store] {
      try {
        require_ok(store.publish(3), "publish");
      } catch (const std::bad_alloc&) {
        return;  // whoever called has been told
      }
    };
    Thread other = run(publish);
    publish();
    other.join();
    require_ok(store.wal().close(), "close");
    require(store.disk().published() == 3, "the other has not published");
  });
}

// Somebody removes the lock while a checkpoint is written: another writer may have published a newer one.
TEST(PublishingSchedules, NothingIsPutInPlaceWithoutTheLock) {
  explore("publish beside the loss of the lock", 3, [] {
    Store store;
    Thread removing = run([&] { static_cast<void>(store.disk().remove("wal/.lock")); });
    static_cast<void>(store.publish(3));
    removing.join();
  });
}

}  // namespace
}  // namespace durability::schedules
