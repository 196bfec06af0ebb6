#pragma once

// An execution context of Asio that runs what is posted to it in an order drawn from a seed, on the thread
// that asks for it: an event loop at its worst, and the same each time.

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "durability/base/unique_function.hpp"

namespace durability::eventloop {

/// Not thread-safe.
class PermutingContext final : public boost::asio::execution_context {
 public:
  class Executor {
   public:
    Executor(PermutingContext& context, int lane) noexcept : context_(&context), lane_(lane) {}

    template <class Function>
    void execute(Function&& function) const {
      context_->waiting_.emplace_back(std::forward<Function>(function));
    }
    [[nodiscard]] PermutingContext& query(boost::asio::execution::context_t /*property*/) const noexcept {
      return *context_;
    }
    static constexpr boost::asio::execution::blocking_t query(
        boost::asio::execution::blocking_t /*property*/) noexcept {
      return boost::asio::execution::blocking.never;
    }
    [[nodiscard]] Executor require(boost::asio::execution::blocking_t::never_t /*property*/) const noexcept {
      return *this;
    }
    bool operator==(const Executor& other) const noexcept = default;

   private:
    PermutingContext* context_;
    int lane_;
  };

  explicit PermutingContext(std::uint64_t seed) noexcept : state_(seed) {}
  ~PermutingContext();

  /// Executors of two lanes are not equal: what one of them runs must post to get to the other.
  [[nodiscard]] Executor get_executor(int lane = 0) noexcept { return {*this, lane}; }
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  /// Runs one of what waits.
  void run_one();
  /// Forgets one of what waits: a completion that is lost.
  void lose_one();

 private:
  using Function = UniqueFunction<void()>;
  [[nodiscard]] Function take_one();

  std::uint64_t state_;
  std::vector<Function> waiting_;
};

}  // namespace durability::eventloop
