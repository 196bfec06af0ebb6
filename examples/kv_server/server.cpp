// kv_server DIR [PORT]: a key-value store on 127.0.0.1 that acknowledges only what is durable; coroutines on
// one thread. store.hpp has the protocol; server_callbacks.cpp is the same without coroutines. Prints
// `listening on PORT`. SIGINT and SIGTERM end it in order: what was asked for is committed and answered.

#include <boost/asio.hpp>
#include <cstdlib>
#include <iostream>
#include <set>

#include "pause_watch.hpp"
#include "store.hpp"

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr auto kNoThrow = asio::as_tuple(use_awaitable);  // errors of sockets as values
constexpr std::size_t kLongestLine = 64U << 10U;

class Server {
 public:
  Server(std::string path, std::uint16_t port) : path_(std::move(path)), port_(port) {}

  int run() {
    signals_.async_wait([this](boost::system::error_code failed, int) {
      if (!failed) stop();
    });
    spawn(serve());
    context_.run();
    return failed_ ? 1 : 0;
  }

 private:
  awaitable<void> serve() {
    const durability::Status opened = co_await open();
    if (!opened) {
      fail(opened.error());
      co_return;
    }
    acceptor_ = tcp::acceptor(context_, {asio::ip::address_v4::loopback(), port_});
    std::cout << "listening on " << acceptor_.local_endpoint().port() << '\n' << std::flush;
    while (acceptor_.is_open()) {
      auto [refused, socket] = co_await acceptor_.async_accept(kNoThrow);
      if (!refused) spawn(session(std::move(socket)));
    }
    const durability::Status closed = co_await log_->close(use_awaitable);
    if (!closed) fail(closed.error());
  }

  /// The log first: it takes the lock, so that nobody changes what is recovered.
  awaitable<durability::Status> open() {
    auto directory = durability::FsDirectory::open(path_);
    if (!directory) co_return directory.error();
    auto bridge = durability::BlockingBridge::make(*directory);
    if (!bridge) co_return bridge.error();
    auto log = co_await Log::open(context_.get_executor(), *bridge, {}, {}, use_awaitable);
    if (!log) co_return log.error();
    log_ = *std::move(log);
    auto recovered = co_await durability::async_recover_with_wal<Table, Put>(
        context_.get_executor(), **bridge, std::nullopt, durability::RecoveryOptions::best_effort(),
        [](const std::optional<Table>&) { return Table(); },
        [](Table& table, durability::EntryId, const Put& put) { apply(table, put); }, use_awaitable);
    if (!recovered) co_return recovered.error();
    table_ = std::move(recovered->state);
    co_return durability::Status();
  }

  awaitable<void> session(tcp::socket socket) {
    sessions_.insert(&socket);
    std::string input;
    while (true) {
      auto [ended, length] =
          co_await asio::async_read_until(socket, asio::dynamic_buffer(input, kLongestLine), '\n', kNoThrow);
      if (ended) break;
      const std::string reply = co_await reply_to(input.substr(0, length - 1));
      input.erase(0, length);
      auto [lost, written] = co_await asio::async_write(socket, asio::buffer(reply), kNoThrow);
      if (lost) break;
    }
    sessions_.erase(&socket);
  }

  /// The log first, the table second: what is seen in the table is durable. Acknowledgements come in the
  /// order of the log, so the table changes in that order too.
  awaitable<std::string> reply_to(std::string line) {
    const Request request = Request::parse(line);
    if (request.verb != "put") co_return answer(table_, request, pause_.longest());
    const Put put{std::string(request.key), std::string(request.value)};
    const auto durable = co_await log_->append_durable(put, use_awaitable);
    if (durable) apply(table_, put);
    if (!durable && ended_the_log(durable.error())) fail(durable.error());
    co_return acknowledgement(durable);
  }

  /// Sessions come to their end when they have answered what they read.
  void stop() {
    boost::system::error_code ignored;
    ignored = acceptor_.close(ignored);
    signals_.cancel();
    pause_.stop();
    for (tcp::socket* socket : sessions_) ignored = socket->shutdown(tcp::socket::shutdown_receive, ignored);
  }
  void fail(const durability::Error& error) {
    std::cerr << "kv_server: " << error << '\n';
    failed_ = true;
    stop();
  }
  void spawn(awaitable<void> task) {
    asio::co_spawn(context_, std::move(task), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  std::string path_;
  std::uint16_t port_;
  asio::io_context context_{1};
  asio::signal_set signals_{context_, SIGINT, SIGTERM};
  tcp::acceptor acceptor_{context_};
  PauseWatch pause_{context_};
  std::set<tcp::socket*> sessions_;
  std::unique_ptr<Log> log_;
  Table table_;
  bool failed_ = false;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: kv_server DIR [PORT]\n";
    return 2;
  }
  return Server(argv[1], static_cast<std::uint16_t>(argc == 3 ? std::atoi(argv[2]) : 0)).run();
} catch (const std::exception& exception) {  // the port is taken, out of memory
  std::cerr << "kv_server: " << exception.what() << '\n';
  return 1;
}
