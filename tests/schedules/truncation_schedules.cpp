// Truncation under every schedule: beside appends, itself, and close.

#include "life.hpp"

namespace durability::schedules {
namespace {

/// A log of three segments, all of it durable.
class Full : public Log {
 public:
  explicit Full(WalOptions options = {}) : Log(std::move(options)) {
    const OneWay one_way;
    for (const char *text : {"a", "b", "c"}) {
      require_ok(commit().append(as_bytes(entry(text, 130))), "append");
    }
    durable_ = commit().flush_and_sync().value();
  }
  Result<WalTruncation> truncate() { return commit().truncate_prefix(*durable_); }

 private:
  std::optional<DurableId> durable_;
};

TEST(TruncationSchedules, BesideADurableAppendThatRotates) {
  explore("truncate beside append", 2, [] {
    Full log;
    Thread truncating = run([&] { require_ok(log.truncate(), "truncate"); });
    Thread appending = run([&] { require_ok(log.append_durable(entry("d", 130)), "append"); });
    truncating.join();
    appending.join();
    require_ok(log.commit().close(), "close");
  });
}

TEST(TruncationSchedules, BesideAnotherOne) {
  explore("truncate beside truncate", 3, [] {
    Full log;
    std::size_t deleted = 0;
    Thread truncating = run([&] {
      const auto truncated = log.truncate();
      require_ok(truncated, "truncate");
      deleted += truncated->deleted.size();
    });
    const auto truncated = log.truncate();
    require_ok(truncated, "truncate");
    truncating.join();
    require(deleted + truncated->deleted.size() == 2, "two segments are covered, each is deleted once");
  });
}

// A deleted segment's file is filled with zeros again when its old name is durably gone, not before.
TEST(TruncationSchedules, ARecycledFileHasLostItsNameBeforeItIsFilled) {
  explore("truncate with recycling beside appends", 2, [] {
    Full log(WalOptions{.recycle_segments = 1});
    Thread truncating = run([&] { require_ok(log.truncate(), "truncate"); });
    require_ok(log.append_durable(entry("d", 130)), "append");
    require_ok(log.append_durable(entry("e", 130)), "append");
    truncating.join();
  });
}

TEST(TruncationSchedules, BesideClose) {
  explore("truncate beside close", 2, [] {
    Full log;
    Thread truncating = run([&] { static_cast<void>(log.truncate()); });
    Thread appending = run([&] { static_cast<void>(log.append_durable(entry("d", 60))); });
    require_ok(log.commit().close(), "close");
    truncating.join();
    appending.join();
    require(!log.truncate(), "a truncation after close");
  });
}

}  // namespace
}  // namespace durability::schedules
