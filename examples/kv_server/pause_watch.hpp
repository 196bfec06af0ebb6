#pragma once

// How long an event loop kept others waiting: a timer that is due every millisecond, and the longest that it
// came too late. (On a busy machine that is also how long the thread itself waited for a processor.)

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

/// For the loop's own thread.
class PauseWatch {
 public:
  explicit PauseWatch(boost::asio::io_context& context) : timer_(context) { wait(); }
  void stop() {
    stopped_ = true;  // it may have expired already
    timer_.cancel();
  }
  [[nodiscard]] std::chrono::microseconds longest() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(longest_);
  }

 private:
  void wait() {
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](boost::system::error_code) {
      if (stopped_) return;
      longest_ = std::max(longest_, std::chrono::steady_clock::now() - timer_.expiry());
      wait();
    });
  }

  boost::asio::steady_timer timer_;
  bool stopped_ = false;
  std::chrono::steady_clock::duration longest_{0};
};
