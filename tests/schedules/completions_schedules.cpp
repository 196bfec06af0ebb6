// Completions under every schedule: each is called once, whatever ends the log
// meanwhile.

#include "life.hpp"

namespace durability::schedules {
namespace {

/// Counts the calls of one completion, and judges what it is told.
class Told {
 public:
  Told(Log &log, std::string_view text) : log_(log), text_(entry(text)) {}

  void append() {
    const Status appended =
        log_.commit().append_durable(as_bytes(text_), [this](const Result<DurableId> &durable) {
          require(!std::exchange(called_, true), "a completion is called twice");
          --under_way_;
          log_.judge(text_, durable);
        });
    if (!appended) require(!std::exchange(called_, true), "refused, and its completion is called");
    under_way_ += appended ? 1 : 0;
  }
  /// Or refused.
  [[nodiscard]] bool called() const noexcept { return called_; }
  /// 1 from the append to the call. May be -1 for a moment: the call may come first.
  [[nodiscard]] int under_way() const noexcept { return under_way_; }

 private:
  Log &log_;
  const std::string text_;
  bool called_ = false;
  int under_way_ = 0;
};

TEST(CompletionsSchedules, AreAllCalledWhenCloseReturns) {
  explore("completions, then close", 2, [] {
    Log log;
    Told one(log, "one");
    Told two(log, "two");
    Thread appending = run([&] { one.append(); });
    two.append();
    appending.join();
    require_ok(log.commit().close(), "close");
    require(one.called() && two.called(), "close has returned, and a completion was not called");
    log.destroy();
  });
}

TEST(CompletionsSchedules, AreCalledOnceBesideClose) {
  explore("completions beside close", 2, [] {
    Log log;
    Told one(log, "one");
    Told two(log, "two");
    Thread appending = run([&] {
      one.append();
      two.append();
    });
    Thread closing = run([&] { require_ok(log.commit().close(), "close"); });
    appending.join();
    closing.join();
    log.destroy();
    require(one.called() && two.called(), "a completion was not called");
  });
}

TEST(CompletionsSchedules, AreCalledBeforeTheDestructorReturns) {
  explore("completions, then the destructor", 2, [] {
    Log log;
    Told one(log, "one");
    Told two(log, "two");
    Thread appending = run([&] { one.append(); });
    two.append();
    appending.join();
    log.destroy();
    require(one.called() && two.called(), "a completion was not called");
  });
}

TEST(CompletionsSchedules, ShareSyncsWithThreadsThatWait) {
  explore("completions beside a thread that waits", 2, [] {
    Log log;
    Told one(log, "one");
    Thread waiting = run([&] { require_ok(log.append_durable(entry("two", 100)), "append"); });
    one.append();
    waiting.join();
    require_ok(log.commit().close(), "close");
    require(one.called(), "a completion was not called");
  });
}

TEST(CompletionsSchedules, WaitForRoom) {
  explore("completions without room", 2, [] {
    WalOptions options;
    options.max_in_flight = 1;
    Log log(options);
    Told one(log, "one");
    Told two(log, "two");
    Told three(log, "three");
    const auto append = [&](Told &told) {
      told.append();
      require(one.under_way() + two.under_way() + three.under_way() <= 1, "more than one has found a place");
    };
    Thread appending = run([&] {
      append(one);
      append(two);
    });
    append(three);
    appending.join();
    require_ok(log.commit().close(), "close");
    require(one.called() && two.called() && three.called(), "a completion was not called");
  });
}

TEST(CompletionsSchedules, OfAFailedSync) {
  explore("completions of a failed sync", 2, [] {
    Log log;
    log.disk().fail_syncs_of("..");
    Told one(log, "one");
    Thread waiting = run([&] { require(!log.append_durable(entry("two")), "acknowledged"); });
    one.append();
    waiting.join();
    require(!log.commit().close(), "close says nothing of the failed sync");
    require(one.called(), "a completion was not called");
  });
}

}  // namespace
}  // namespace durability::schedules
