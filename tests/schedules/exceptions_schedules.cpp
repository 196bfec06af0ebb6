// Memory that ends in the middle of what holds others up, under every schedule: they go on, or are told.

#include <new>
#include <utility>

#include "life.hpp"

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
