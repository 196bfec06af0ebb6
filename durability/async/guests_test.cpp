#include "durability/async/guests.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <thread>

#include "durability/async/async_operation.hpp"

namespace durability::async {
namespace {

class Probe final : public Guest {
 private:
  bool claim_to_cut_off() noexcept override { return false; }
  std::shared_ptr<Guest> keep() noexcept override { return nullptr; }
  void cut_off() noexcept override {}
};

TEST(WorkAtHome, ThatHasEndedKeepsNoContextFromEnding) {
  std::optional<boost::asio::io_context> context(std::in_place);
  WorkAtHome work;
  work.begin(home_of(context->get_executor()), std::weak_ptr<void>());
  work.end();
  context.reset();
}

// The operation that owned it is being destroyed by another thread: nobody can keep it any more.
TEST(WorkAtHome, ThatIsBeingDestroyedLetsTheContextEndWhenItIsGone) {
  std::optional<boost::asio::io_context> context(std::in_place);
  const Home home = home_of(context->get_executor());
  std::optional<WorkAtHome> work(std::in_place);
  work->begin(home, std::weak_ptr<void>());
  std::atomic<bool> ended = false;
  std::thread ending([&] {
    context.reset();
    ended = true;
  });
  // From the refusal on the context's end waits for its last guest.
  for (Probe probe; home.guests->add(probe); std::this_thread::yield()) home.guests->remove(probe);
  for (int turn = 0; turn < 10'000; ++turn) std::this_thread::yield();
  EXPECT_FALSE(ended);
  work.reset();
  ending.join();
}

}  // namespace
}  // namespace durability::async
