// Group commit under every schedule: threads that append and wait, beside
// rotation, close, failed syncs and changes of the options.

#include "life.hpp"

namespace durability::schedules {
namespace {

TEST(GroupCommitSchedules, ThreadsThatAppendDurablyShareSyncs) {
  explore("two append", 2, [] {
    Log log;
    Thread one = run([&] { require_ok(log.append_durable(entry("one")), "append"); });
    Thread two = run([&] { require_ok(log.append_durable(entry("two")), "append"); });
    one.join();
    two.join();
    require(log.commit().inspect([](const auto &writer) { return writer.last_entry_id(); }) == EntryId(2),
            "two entries have the ids 1 and 2");
  });
}

// A durable append waited for ever. A thread was handed the lead by being
// woken; before it had the mutex, the background's sync of a sealed segment
// made its entry durable; it saw that and returned, and the turn was nobody's.
// It took thousands of runs of a server to be seen; here it takes a thousand
// schedules.
TEST(GroupCommitSchedules, ASealsSyncMayMakeDurableWhatAThreadIsToLead) {
  explore("a seal beside a handed turn", 1, [] {
    Log log;
    Thread one = run([&] { require_ok(log.append_durable(entry("one", 100)), "append"); });
    Thread two = run([&] { require_ok(log.append_durable(entry("two", 100)), "append"); });
    require_ok(log.append_durable(entry("three", 100)), "append");
    one.join();
    two.join();
  });
}

TEST(GroupCommitSchedules, CloseWaitsForASyncUnderWayAndLeavesNobodyWaiting) {
  explore("append beside close", 2, [] {
    Log log;
    bool appended = false;
    Thread durable = run([&] { static_cast<void>(log.append_durable(entry("durable"))); });
    Thread plain = run([&] { appended = log.commit().append(as_bytes(entry("plain"))).has_value(); });
    Thread closing = run([&] { require_ok(log.commit().close(), "close"); });
    durable.join();
    plain.join();
    closing.join();
    require(!appended || log.disk().has_synced(entry("plain")),
            "an entry was appended, and is not in the log");
    require(!log.append_durable(entry("late")), "an append after close");
  });
}

// Who appended on and on led one sync after the other, and close waited for each of them.
TEST(GroupCommitSchedules, NoSyncIsBegunWhileCloseWaitsForOne) {
  explore("append on and on beside close", 2, [] {
    Log log;
    int syncs = 0;
    log.disk().on_step([&syncs, appending = internal::this_thread_id()](std::string_view what) {
      if (what != "sync_data" || internal::this_thread_id() != appending) return;
      require(++syncs == 1, "close waits, and another sync is begun");
      const OneWay until_close_waits;
    });
    Thread closing = run([&] { require_ok(log.commit().close(), "close"); });
    while (log.append_durable(entry("on and on"))) continue;
    closing.join();
  });
}

TEST(GroupCommitSchedules, CloseTwiceAtOnce) {
  explore("close beside close", 3, [] {
    Log log;
    Thread durable = run([&] { static_cast<void>(log.append_durable(entry("durable"))); });
    Thread closing = run([&] { require_ok(log.commit().close(), "close"); });
    require_ok(log.commit().close(), "close");
    durable.join();
    closing.join();
  });
}

// A failed sync is everyone's: who waited for it, and who comes later.
TEST(GroupCommitSchedules, AFailedSyncIsToldToEverybodyWhoWaited) {
  explore("a failed sync", 2, [] {
    Log log;
    log.disk().fail_syncs_of("..");
    Thread one = run([&] { require(!log.append_durable(entry("one")), "acknowledged"); });
    Thread two = run([&] {
      if (!log.commit().append(as_bytes(entry("two")))) return;
      log.judge(entry("two"), log.commit().flush_and_sync());
    });
    one.join();
    two.join();
    require(!log.append_durable(entry("late")), "an append after a failed sync");
    require(log.disk().failed_syncs() <= 1, "a failed sync is tried again");
    require(!log.commit().close(), "close says nothing of the failed sync");
  });
}

TEST(GroupCommitSchedules, ASealsFailedSyncIsToldToEverybodyWhoWaits) {
  explore("a seal's failed sync", 2, [] {
    Log log;
    require_ok(log.commit().append(as_bytes(entry("first", 100))), "append");
    log.disk().fail_syncs_of("..");
    Thread one = run([&] { require(!log.append_durable(entry("one", 100)), "acknowledged"); });
    Thread two = run([&] { require(!log.append_durable(entry("two", 100)), "acknowledged"); });
    one.join();
    two.join();
    require(log.disk().failed_syncs() <= 1, "a failed sync is tried again");
    require(!log.commit().close(), "close says nothing of the failed sync");
  });
}

TEST(GroupCommitSchedules, WaitingForAnEntryOfAnotherThread) {
  explore("wait for another's entry", 1, [] {
    Log log;
    const EntryId first = log.commit().append(as_bytes(entry("first", 100))).value();
    Thread one = run([&] {
      const auto durable = log.commit().wait_until_durable(first);
      require_ok(durable, "wait");
      log.judge(entry("first", 100), durable);
    });
    Thread two = run([&] { require_ok(log.append_durable(entry("two", 100)), "append"); });
    const auto durable = log.commit().flush_and_sync();
    require_ok(durable, "sync");
    log.judge(entry("first", 100), durable);
    one.join();
    two.join();
  });
}

TEST(GroupCommitSchedules, IsUsedWhileItsThreadsStart) {
  explore("append as the log opens, then the destructor", 3, [] {
    Log log({}, Opened::kAnyWay);
    require_ok(log.append_durable(entry("one", 100)), "append");
    require_ok(log.append_durable(entry("two", 100)), "append");
    log.destroy();
  });
}

TEST(GroupCommitSchedules, ConfigureBesideAppends) {
  explore("configure beside appends", 2, [] {
    Log log;
    Thread one = run([&] { require_ok(log.append_durable(entry("one", 100)), "append"); });
    Thread two = run([&] {
      require_ok(log.commit().configure([](WalTuning &tuning) { tuning.segment_bytes = 512; }), "configure");
      require_ok(log.append_durable(entry("two", 100)), "append");
    });
    one.join();
    two.join();
    require_ok(log.commit().close(), "close");
  });
}

}  // namespace
}  // namespace durability::schedules
