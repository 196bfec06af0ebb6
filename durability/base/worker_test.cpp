#include "durability/base/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace durability {
namespace {

using testing::ElementsAre;

TEST(Worker, RunsTasksInTheirOrderOnAnotherThread) {
  std::vector<int> order;  // no lock: one thread writes, and wait_for orders it before the reading
  std::thread::id ran_on;
  const auto worker = Worker::thread().value();
  worker->submit([&] { order.push_back(1); });
  worker->submit([&] { order.push_back(2); });
  const Worker::Ticket last = worker->submit([&] {
    order.push_back(3);
    ran_on = std::this_thread::get_id();
  });
  worker->wait_for(last);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(Worker, WaitingForATaskDoesNotWaitForLaterOnes) {
  std::promise<void> gate;
  const auto worker = Worker::thread().value();
  std::atomic<bool> later_ran = false;
  const Worker::Ticket first = worker->submit([] {});
  const Worker::Ticket later = worker->submit([&, opened = gate.get_future().share()] {
    opened.wait();
    later_ran = true;
  });
  worker->wait_for(first);  // a hang here runs into the test's time limit
  EXPECT_FALSE(later_ran);
  gate.set_value();
  worker->wait_for(later);
  EXPECT_TRUE(later_ran);
}

TEST(Worker, ItsDestructorRunsWhatIsQueued) {
  int ran = 0;
  {
    const auto worker = Worker::thread().value();
    for (int i = 0; i < 100; ++i) worker->submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(Worker, StopsWithoutEverHavingHadATask) { EXPECT_NE(Worker::thread().value(), nullptr); }

// A file that a task held must be closed before its end is reported.
TEST(Worker, LetsGoOfWhatATaskHoldsBeforeItIsDone) {
  const auto worker = Worker::thread().value();
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  const Worker::Ticket ticket = worker->submit([held = std::move(held)] { ++*held; });
  worker->wait_for(ticket);
  EXPECT_TRUE(watched.expired());
}

TEST(Worker, ManyThreadsMaySubmitAndWait) {
  constexpr int kEach = 200;
  const auto worker = Worker::thread().value();
  int ran = 0;  // by the worker's thread only
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int task = 0; task < kEach; ++task) worker->wait_for(worker->submit([&] { ++ran; }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, 4 * kEach);
}

}  // namespace
}  // namespace durability
