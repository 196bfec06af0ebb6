// kv_load PORT CLIENTS SECONDS [ACKNOWLEDGED]: puts keys from so many connections at once, each as soon as
// its last one is acknowledged. Prints rate, p50 and p99, and the longest pause of the server's event loop.
// Writes each acknowledged `KEY VALUE` into the file, if one is named. Ends early where the server goes away.

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kNoThrow = asio::as_tuple(use_awaitable);
constexpr std::uint64_t kKeysOfAClient = 100;

class Load {
 public:
  Load(std::uint16_t port, const char* acknowledged) : server_(asio::ip::address_v4::loopback(), port) {
    if (acknowledged != nullptr) acknowledged_.open(acknowledged);
  }

  void run(int clients, std::chrono::milliseconds length) {
    const auto begin = Clock::now();
    end_ = begin + length;
    for (int client = 0; client < clients; ++client)
      asio::co_spawn(context_, put_keys(client), asio::detached);
    context_.run();
    report(clients, std::chrono::duration<double>(Clock::now() - begin).count());
    context_.restart();
    asio::co_spawn(context_, ask_for_pause(), asio::detached);
    context_.run();
  }

 private:
  awaitable<void> put_keys(int client) {
    tcp::socket socket(context_);
    auto [refused] = co_await socket.async_connect(server_, kNoThrow);
    if (refused) co_return;
    socket.set_option(tcp::no_delay(true));
    for (std::uint64_t number = 1; Clock::now() < end_; ++number) {
      const std::string put = fmt::format("c{}-{} {}", client, number % kKeysOfAClient, number);
      const auto begin = Clock::now();
      const std::string answer = co_await ask(socket, fmt::format("put {} {:x>100}\n", put, ""));
      if (!answer.starts_with("ok ")) co_return;
      latencies_.push_back(
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count());
      if (acknowledged_.is_open()) acknowledged_ << put << '\n';
    }
  }

  /// Empty where the server is gone.
  static awaitable<std::string> ask(tcp::socket& socket, std::string line) {
    auto [lost, written] = co_await asio::async_write(socket, asio::buffer(line), kNoThrow);
    if (lost) co_return std::string();
    std::string answer;
    auto [ended, length] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), '\n', kNoThrow);
    if (ended) co_return std::string();
    co_return answer;
  }

  awaitable<void> ask_for_pause() {
    tcp::socket socket(context_);
    auto [refused] = co_await socket.async_connect(server_, kNoThrow);
    if (refused) co_return;
    const std::string answer = co_await ask(socket, "pause\n");
    std::printf("longest pause of the server's event loop so far: %s us\n",
                answer.substr(std::min<std::size_t>(6, answer.size()), answer.find('\n') - 6).c_str());
  }

  void report(int clients, double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double part) {
      return latencies_.empty() ? 0
                                : latencies_[static_cast<std::size_t>(part * double(latencies_.size() - 1))];
    };
    std::printf("%d clients: %.0f durable puts/s, p50 %ld us, p99 %ld us\n", clients,
                double(latencies_.size()) / seconds, at(0.50), at(0.99));
  }

  tcp::endpoint server_;
  asio::io_context context_{1};
  Clock::time_point end_;
  std::vector<std::int64_t> latencies_;
  std::ofstream acknowledged_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: kv_load PORT CLIENTS SECONDS [ACKNOWLEDGED]\n";
    return 2;
  }
  const std::chrono::milliseconds length(static_cast<std::int64_t>(1000 * std::atof(argv[3])));
  Load(static_cast<std::uint16_t>(std::atoi(argv[1])), argc == 5 ? argv[4] : nullptr)
      .run(std::atoi(argv[2]), length);
  return 0;
} catch (const std::exception& exception) {
  std::cerr << "kv_load: " << exception.what() << '\n';
  return 1;
}
