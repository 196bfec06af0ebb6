// The explorer itself: it finds what is wrong with small programs, and nothing with right ones.

#include <gmock/gmock.h>

#include <set>
#include <stdexcept>

#include "life.hpp"

namespace durability::schedules {
namespace {

using testing::ScheduleExplorer;
using testing::ScheduleOptions;

std::string failure_of(const std::function<void()>& life, unsigned preemptions = 2) {
  ScheduleExplorer explorer({.preemptions = preemptions});
  explorer.explore("life", life);
  return explorer.failure();
}

void add_in_two_steps(Atomic<int>& number) { number.store(number.load() + 1); }

void two_that_add() {
  Atomic<int> number{0};
  Thread one = run([&] { add_in_two_steps(number); });
  Thread two = run([&] { add_in_two_steps(number); });
  one.join();
  two.join();
  require(number == 2, "an addition is lost");
}

TEST(ScheduleExplorer, FindsAnUpdateThatIsLost) {
  EXPECT_EQ(failure_of(two_that_add, 0), "") << "without a preemption each is done at once";
  EXPECT_THAT(failure_of(two_that_add, 1), ::testing::HasSubstr("an addition is lost"));
}

TEST(ScheduleExplorer, RepeatsAFailureFromItsLine) {
  const std::string line = failure_of(two_that_add);
  const std::string schedule = line.substr(7, line.find('\n') - 7);
  ScheduleExplorer again;
  again.repeat("life", schedule, two_that_add);
  EXPECT_EQ(again.failure(), line);
  EXPECT_THAT(again.trace(), ::testing::HasSubstr("1 load"));
  ScheduleExplorer other;
  other.repeat("life", "-", two_that_add);
  EXPECT_EQ(other.failure(), "");
  other.repeat("life", "3:x", two_that_add);
  EXPECT_THAT(other.failure(), ::testing::HasSubstr("is no schedule"));
}

// A life with too many schedules for all of them has a sample: the same failure each time, and a line that
// repeats it.
TEST(ScheduleExplorer, FindsByASampleWhatASeedRepeats) {
  const auto failure = [](std::uint64_t seed) {
    ScheduleExplorer explorer;
    explorer.sample("life", {.preemptions = 1, .runs = 100, .seed = seed}, two_that_add);
    return explorer.failure();
  };
  const std::string line = failure(1);
  EXPECT_THAT(line, ::testing::HasSubstr("an addition is lost"));
  EXPECT_EQ(failure(1), line);
  ScheduleExplorer again;
  again.repeat("life", line.substr(7, line.find('\n') - 7), two_that_add);
  EXPECT_EQ(again.failure(), line);
  ScheduleExplorer none;
  none.sample("life", {.preemptions = 0, .runs = 100, .seed = 1}, two_that_add);
  EXPECT_EQ(none.failure(), "") << "without a preemption each is done at once";
  EXPECT_EQ(none.runs(), 100U);
}

TEST(ScheduleExplorer, DecidesNothingWhereOneWayIsEnough) {
  std::uint64_t runs = 0;
  const auto life = [&] {
    ++runs;
    Atomic<int> number{0};
    {
      const OneWay one_way;
      Thread one = run([&] { add_in_two_steps(number); });
      Thread two = run([&] { add_in_two_steps(number); });
      one.join();
      two.join();
    }
    require(number == 2, "an addition is lost");
  };
  EXPECT_EQ(failure_of(life, 2), "");
  EXPECT_LE(runs, 6U) << "each bound once, or twice for what was found to be shared";
}

TEST(ScheduleExplorer, LetsTheOthersGoOnBeforeItDecidesAgain) {
  const auto life = [] {
    Atomic<int> number{0};
    Thread one;
    {
      const OneWay one_way;
      one = run([&] { add_in_two_steps(number); });
    }
    add_in_two_steps(number);
    require(number == 2, "an addition is lost");
    one.join();
  };
  EXPECT_EQ(failure_of(life, 2), "");
}

TEST(ScheduleExplorer, FindsNothingWhereAMutexIsHeld) {
  const auto life = [] {
    Mutex mutex;
    int number = 0;
    const auto add = [&] {
      const LockGuard lock(mutex);
      ++number;
    };
    Thread one = run(add);
    Thread two = run(add);
    Thread three = run(add);
    one.join();
    two.join();
    three.join();
    require(number == 3, "an addition is lost");
  };
  EXPECT_EQ(failure_of(life, 3), "");
}

TEST(ScheduleExplorer, FindsADeadlock) {
  const auto life = [] {
    Mutex first;
    Mutex second;
    Thread one = run([&] {
      const LockGuard lock(first);
      const LockGuard both(second);
    });
    Thread two = run([&] {
      const LockGuard lock(second);
      const LockGuard both(first);
    });
    one.join();
    two.join();
  };
  EXPECT_EQ(failure_of(life, 0), "");
  EXPECT_THAT(failure_of(life, 1),
              ::testing::HasSubstr("no thread can go on: 0 at join; 1 at lock; 2 at lock"));
}

TEST(ScheduleExplorer, FindsALostWakeUpOfACondition) {
  const auto life = [] {
    Mutex mutex;
    Condition changed;
    Atomic<bool> ready{false};
    Thread waiter = run([&] {
      const LockGuard lock(mutex);
      changed.wait(mutex, [&] { return ready.load(); });
    });
    ready = true;  // without the mutex: between the look and the sleep nobody is there to be woken
    changed.notify_one();
    waiter.join();
  };
  EXPECT_THAT(failure_of(life), ::testing::HasSubstr("a lost wake-up: what it waits for holds"));
}

TEST(ScheduleExplorer, FindsALostWakeUpOfAnAtomic) {
  const auto life = [] {
    Atomic<int> word{0};
    Thread one = run([&] { word.wait(0); });
    Thread two = run([&] { word.wait(0); });
    word = 1;
    word.notify_one();  // for two
    one.join();
    two.join();
  };
  EXPECT_THAT(failure_of(life), ::testing::HasSubstr("a lost wake-up: its value has changed"));
}

TEST(ScheduleExplorer, WakesEachOfThoseWhoWaitForOneCondition) {
  std::set<int> woken;
  const auto life = [&] {
    Mutex mutex;
    Condition changed;
    int waiting = 0;
    bool told = false;
    int first = 0;
    const auto wait = [&](int number) {
      const LockGuard lock(mutex);
      ++waiting;
      changed.wait(mutex);
      if (first == 0) first = number;
      changed.notify_one();
    };
    Thread one = run([&] { wait(1); });
    Thread two = run([&] { wait(2); });
    while (!told) {
      {
        const LockGuard lock(mutex);
        told = waiting == 2;
      }
      yield();
    }
    changed.notify_one();
    one.join();
    two.join();
    woken.insert(first);
  };
  EXPECT_EQ(failure_of(life, 1), "");
  EXPECT_THAT(woken, ::testing::ElementsAre(1, 2));
}

TEST(ScheduleExplorer, ReportsWhatIsThrownAndWhatDoesNotEnd) {
  const auto throwing = [] {
    Thread one = run([] { throw std::runtime_error("out of luck"); });
    one.join();
  };
  EXPECT_THAT(failure_of(throwing), ::testing::HasSubstr("thread 1 ended with an exception: out of luck"));
  const auto endless = [] {
    while (true) yield();
  };
  EXPECT_THAT(failure_of(endless), ::testing::HasSubstr("does not end"));
}

TEST(ScheduleExplorer, ReportsTheUseOfWhatIsGone) {
  const auto life = [] {
    auto mutex = std::make_unique<Mutex>();
    Atomic<bool> over{false};
    Mutex* const held = mutex.get();
    Thread one = run([&] {
      over = true;
      const LockGuard lock(*held);
    });
    while (!over) yield();
    mutex->~Mutex();
    one.join();
    static_cast<void>(mutex.release());
  };
  EXPECT_THAT(failure_of(life), ::testing::HasSubstr("lock of what has been destroyed"));
}

// A program whose end tells in which order its steps were: every order must be seen.
TEST(ScheduleExplorer, VisitsEveryOrderThatTheBoundAllows) {
  for (const auto& [preemptions, orders] : {std::pair(0U, 2U), std::pair(1U, 4U), std::pair(2U, 6U)}) {
    std::set<std::string> seen;
    const auto life = [&] {
      Atomic<int> turn{0};
      std::string order;
      const auto step = [&](char name) {
        turn.fetch_add(1);
        order += name;
      };
      const auto two_steps = [&](char name) {
        step(name);
        step(name);
      };
      Thread one = run([&] { two_steps('a'); });
      Thread two = run([&] { two_steps('b'); });
      one.join();
      two.join();
      seen.insert(order);
    };
    EXPECT_EQ(failure_of(life, preemptions), "");
    EXPECT_EQ(seen.size(), orders) << preemptions << " preemptions";
  }
}

}  // namespace
}  // namespace durability::schedules
