// The worker under every schedule: a task has run when wait_for() of its ticket
// returns, and all of them when it is destroyed.

#include "durability/base/worker.hpp"
#include "life.hpp"

namespace durability::schedules {
namespace {

TEST(WorkerSchedules, ATaskHasRunWhenItsTicketWasWaitedFor) {
  explore("submit beside submit", 3, [] {
    const std::shared_ptr<Worker> worker = Worker::thread().value();
    const auto submit_and_wait = [&] {
      Atomic<bool> ran{false};
      worker->wait_for(worker->submit([&] { ran = true; }));
      require(ran, "a task has not run, and its ticket was waited for");
    };
    Thread one = run(submit_and_wait);
    Thread two = run(submit_and_wait);
    one.join();
    two.join();
  });
}

TEST(WorkerSchedules, AllTasksHaveRunWhenItIsDestroyed) {
  explore("submit, then the destructor", 3, [] {
    Atomic<int> ran{0};
    std::shared_ptr<Worker> worker = Worker::thread().value();
    const auto submit = [&] { static_cast<void>(worker->submit([&] { ++ran; })); };
    Thread one = run(submit);
    Thread two = run([&] {
      submit();
      submit();
    });
    one.join();
    two.join();
    worker.reset();
    require(ran == 3, "a task has not run, and the worker is gone");
  });
}

}  // namespace
}  // namespace durability::schedules
