// SyncWalWriter under every schedule: what it adds to group commit is that each thread encodes into memory of
// its own, outside of the mutex.

#include <algorithm>

#include "typed_log.hpp"

namespace durability::schedules {
namespace {

/// Every one of them is in the log, once, as it was given.
void require_entries(TypedLog& log, std::vector<std::string> wanted) {
  std::vector<std::string> there = log.entries();
  std::ranges::sort(there);
  std::ranges::sort(wanted);
  require(there == wanted, "the log holds other entries than were appended");
}

TEST(SyncWriterSchedules, EachThreadsEntriesAreItsOwn) {
  explore("append, append_durable and sync", 2, [] {
    TypedLog log;
    Thread durable = run([&] { require_ok(log.append_durable(entry("durable")), "append"); });
    Thread plain = run([&] {
      require_ok(log.wal().append(entry("plain", 100)), "append");
      require_ok(log.wal().flush_and_sync(), "sync");
      require(log.disk().has_synced(entry("plain", 100)),
              "flush_and_sync has returned, and nothing was synced");
    });
    require_ok(log.wal().append(entry("main", 80)), "append");
    durable.join();
    plain.join();
    const OneWay one_way;
    require_ok(log.wal().close(), "close");
    require_entries(log, {entry("durable"), entry("plain", 100), entry("main", 80)});
  });
}

TEST(SyncWriterSchedules, CloseKeepsWhatWasAppended) {
  explore("append and append_durable beside close", 2, [] {
    TypedLog log;
    std::vector<std::string> appended;
    Thread durable = run([&] {
      if (log.append_durable(entry("durable"))) appended.push_back(entry("durable"));
    });
    Thread plain = run([&] {
      if (!log.wal().append(entry("plain"))) return;
      appended.push_back(entry("plain"));
      if (!log.wal().flush_and_sync()) return;
      require(log.disk().has_synced(entry("plain")), "flush_and_sync has returned, and nothing was synced");
    });
    require_ok(log.wal().close(), "close");
    plain.join();
    durable.join();
    for (const std::string& text : appended) {
      require(std::ranges::count(log.entries(), text) == 1,
              "an entry was appended, and is not in the log once");
    }
    require(!log.wal().append("late"), "an append after close");
  });
}

TEST(SyncWriterSchedules, ABatchStandsTogether) {
  explore("a batch beside appends", 2, [] {
    TypedLog log;
    Thread batch = run([&] {
      const std::vector<std::string> both = {entry("first", 30), entry("second", 30)};
      const auto last = log.wal().append_batch_atomic(both);
      require_ok(last, "append_batch_atomic");
      require_ok(log.wal().wait_until_durable(*last), "wait");
      require(log.disk().has_synced(entry("second", 30)), "the batch is acknowledged, not synced");
    });
    Thread durable = run([&] { require_ok(log.append_durable(entry("durable", 30)), "append"); });
    batch.join();
    durable.join();
    const OneWay one_way;
    require_ok(log.wal().close(), "close");
    const std::vector<std::string> there = log.entries();
    const auto first = std::ranges::find(there, entry("first", 30));
    require(there.size() == 3 && first != there.end() && first + 1 != there.end(), "an entry is missing");
    require(*(first + 1) == entry("second", 30), "another entry stands in the middle of a batch");
  });
}

}  // namespace
}  // namespace durability::schedules
