// Memory that ends in the middle of what holds others up, under every schedule: they go on, or are told.

#include <new>
#include <utility>

#include "life.hpp"
#include "memory.hpp"

namespace durability::schedules {
namespace {

/// Of the steps of that name the first ends with a bad_alloc, or the one after so many.
void let_throw(Log& log, std::string_view step, int after = 0) {
  log.disk().on_step([step, left = std::make_shared<Atomic<int>>(after)](std::string_view what) {
    if (what == step && left->fetch_sub(1) == 0) throw std::bad_alloc();
  });
}

/// Nothing, where `work` finds no memory.
template <class Work>
void without_memory(const Work& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    return;  // whoever called has been told
  }
}

// It may be that of the next segment's file: then the first of them may be acknowledged.
TEST(ExceptionsSchedules, ASyncThatThrowsHoldsNobodyUp) {
  explore("a sync that throws", 1, [] {
    Log log;
    let_throw(log, "sync_data");
    const auto append = [&](std::string_view text) {
      without_memory([&] { static_cast<void>(log.append_durable(entry(text))); });
    };
    Thread one = run([&] { append("one"); });
    Thread two = run([&] { append("two"); });
    one.join();
    two.join();
    append("late");
    without_memory([&] { static_cast<void>(log.commit().close()); });
    require(!log.append_durable(entry("too late")), "an append after close");
  });
}

TEST(ExceptionsSchedules, ACloseThatThrowsLeavesNobodyWaiting) {
  explore("a close that throws", 1, [] {
    Log log;
    bool told = false;
    require_ok(log.commit().append(as_bytes(entry("first"))), "append");
    require_ok(
        log.commit().append_durable(as_bytes(entry("told")), [&](const Result<DurableId>&) { told = true; }),
        "append");
    let_throw(log, "sync_data");
    Thread one = run([&] { without_memory([&] { static_cast<void>(log.append_durable(entry("one"))); }); });
    without_memory([&] { static_cast<void>(log.commit().close()); });
    require(told, "close is over, and a completion was not called");
    one.join();
    require(!log.append_durable(entry("late")), "an append after close");
  });
}

// Who was to lead next finds that the log is being closed, and waits for that.
TEST(ExceptionsSchedules, ACloseThatThrowsWakesThoseWhoWaitedForIt) {
  for (const int syncs : {1, 2}) {
    explore(fmt::format("a close that throws after {} syncs", syncs), 1, [syncs] {
      Log log;
      let_throw(log, "sync_data", syncs);
      const auto append = [&](std::string_view text) {
        without_memory([&] { static_cast<void>(log.append_durable(entry(text))); });
      };
      Thread one = run([&] { append("one"); });
      Thread two = run([&] { append("two"); });
      Thread closing = run([&] { without_memory([&] { static_cast<void>(log.commit().close()); }); });
      one.join();
      two.join();
      closing.join();
    });
  }
}

TEST(ExceptionsSchedules, ACloseThatThrowsWakesThoseWhoCameWhileItWaited) {
  explore("a close that waits, then throws", 1, [] {
    Log log;
    const auto leading = internal::this_thread_id();
    Atomic<std::size_t> closing_thread = 0;
    log.disk().on_step([&closing_thread, leading](std::string_view what) {
      if (what != "sync_data") return;
      const auto self = internal::this_thread_id();
      if (self == closing_thread) throw std::bad_alloc();
      if (self != leading) return;
      const OneWay until_others_wait;
    });
    Thread two = run([&] { without_memory([&] { static_cast<void>(log.append_durable(entry("two"))); }); });
    Thread closing = run([&] {
      closing_thread = internal::this_thread_id();
      without_memory([&] { static_cast<void>(log.commit().close()); });
    });
    without_memory([&] { static_cast<void>(log.append_durable(entry("one"))); });
    two.join();
    closing.join();
  });
}

// Whoever is to lead next finds that a seal's sync has failed, and no memory for its error: those who wait
// after it are woken all the same.
TEST(ExceptionsSchedules, WhoeverWasToLeadAndFindsNoMemoryWakesTheOthers) {
  explore("a turn that throws", 1, [] {
    struct Role {
      bool appends = false;
    };
    const LargeMemory memory;
    Log log;
    log.disk().failed_syncs_say(std::string(kLarge, '!'));
    log.disk().on_step([&log](std::string_view what) {
      const bool of_a_seal = what == "sync_data" && !of_this_thread<Role>().appends;
      log.disk().fail_syncs_of(of_a_seal ? ".." : "");
    });
    const auto append = [&log](std::string_view text, std::size_t length) {
      of_this_thread<Role>().appends = true;
      static_cast<void>(log.append_durable(entry(text, length)));
    };
    Thread next = run([&] {
      LargeMemory::end_for_this_thread();
      without_memory([&] { append("next", 20); });
    });
    Thread last = run([&] { append("last", 130); });
    append("first", 60);
    next.join();
    last.join();
  });
}

TEST(ExceptionsSchedules, ATruncationThatThrowsGivesItsTurnBack) {
  explore("a truncation that throws", 1, [] {
    Log log;
    for (const char* text : {"a", "b"}) {
      require_ok(log.commit().append(as_bytes(entry(text, 130))), "append");
    }
    const DurableId durable = log.commit().flush_and_sync().value();
    let_throw(log, "remove");
    const auto truncate = [&] {
      without_memory([&] { static_cast<void>(log.commit().truncate_prefix(durable)); });
    };
    Thread one = run(truncate);
    truncate();
    one.join();
    without_memory([&] { static_cast<void>(log.commit().close()); });
  });
}

}  // namespace
}  // namespace durability::schedules
