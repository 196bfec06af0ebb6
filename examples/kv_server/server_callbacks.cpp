// kv_server_callbacks DIR [PORT]: server.cpp, with plain callbacks in place of coroutines. Every operation of
// the log takes a callback where it took use_awaitable; the order of things is the same.

#include <boost/asio.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <set>

#include "pause_watch.hpp"
#include "store.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kLongestLine = 64U << 10U;

/// Answers a request, at once or later.
using Service = std::function<void(const Request&, std::function<void(std::string)>)>;

/// One connection. Whatever it waits for holds it alive.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Service service) : socket_(std::move(socket)), service_(std::move(service)) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kLongestLine), '\n',
                           [self = shared_from_this()](error_code ended, std::size_t length) {
                             if (!ended) self->serve(length);
                           });
  }
  void end() {
    error_code ignored;
    ignored = socket_.shutdown(tcp::socket::shutdown_receive, ignored);
  }

 private:
  void serve(std::size_t length) {
    const std::string line = input_.substr(0, length - 1);
    input_.erase(0, length);
    service_(Request::parse(line),
             [self = shared_from_this()](std::string reply) { self->write(std::move(reply)); });
  }
  void write(std::string reply) {
    reply_ = std::move(reply);
    asio::async_write(socket_, asio::buffer(reply_),
                      [self = shared_from_this()](error_code lost, std::size_t) {
                        if (!lost) self->read();
                      });
  }

  tcp::socket socket_;
  Service service_;
  std::string input_;
  std::string reply_;
};

class Server {
 public:
  Server(std::string path, std::uint16_t port) : path_(std::move(path)), port_(port) {}

  int run() {
    signals_.async_wait([this](error_code failed, int) {
      if (!failed) stop();
    });
    open();
    context_.run();
    return failed_ ? 1 : 0;
  }

 private:
  void open() {
    auto directory = durability::FsDirectory::open(path_);
    if (!directory) return fail(directory.error());
    auto bridge = durability::BlockingBridge::make(*directory);
    if (!bridge) return fail(bridge.error());
    Log::open(context_.get_executor(), *bridge, {}, {},
              [this, files = *bridge](durability::Result<std::unique_ptr<Log>> log) {
                if (!log) return fail(log.error());
                log_ = *std::move(log);
                recover(*files);
              });
  }
  void recover(const durability::BlockingBridge& files) {
    durability::async_recover_with_wal<Table, Put>(
        context_.get_executor(), files, std::nullopt, durability::RecoveryOptions::best_effort(),
        [](const std::optional<Table>&) { return Table(); },
        [](Table& table, durability::EntryId, const Put& put) { apply(table, put); },
        [this](durability::Result<durability::Recovery<Table>> recovered) {
          if (!recovered) return fail(recovered.error());
          table_ = std::move(recovered->state);
          acceptor_ = tcp::acceptor(context_, {asio::ip::address_v4::loopback(), port_});
          std::cout << "listening on " << acceptor_.local_endpoint().port() << '\n' << std::flush;
          accept();
        });
  }
  void accept() {
    acceptor_.async_accept([this](error_code refused, tcp::socket socket) {
      if (!acceptor_.is_open()) return close();
      if (!refused) {
        const auto session = std::make_shared<Session>(
            std::move(socket), [this](const Request& request, std::function<void(std::string)> reply) {
              serve(request, std::move(reply));
            });
        std::erase_if(sessions_, [](const std::weak_ptr<Session>& other) { return other.expired(); });
        sessions_.insert(session);
        session->read();
      }
      accept();
    });
  }
  void serve(const Request& request, std::function<void(std::string)> reply) {
    if (request.verb != "put") return reply(answer(table_, request, pause_.longest()));
    const Put put{std::string(request.key), std::string(request.value)};
    log_->append_durable(
        put, [this, put, reply = std::move(reply)](const durability::Result<durability::DurableId>& durable) {
          if (durable) apply(table_, put);
          if (!durable && ended_the_log(durable.error())) fail(durable.error());
          reply(acknowledgement(durable));
        });
  }
  void close() {
    log_->close([this](durability::Status closed) {
      if (!closed) fail(closed.error());
    });
  }
  void stop() {
    error_code ignored;
    ignored = acceptor_.close(ignored);
    signals_.cancel();
    pause_.stop();
    for (const auto& session : sessions_) {
      if (const auto alive = session.lock()) alive->end();
    }
  }
  void fail(const durability::Error& error) {
    std::cerr << "kv_server_callbacks: " << error << '\n';
    failed_ = true;
    stop();
  }

  std::string path_;
  std::uint16_t port_;
  asio::io_context context_{1};
  asio::signal_set signals_{context_, SIGINT, SIGTERM};
  tcp::acceptor acceptor_{context_};
  PauseWatch pause_{context_};
  std::set<std::weak_ptr<Session>, std::owner_less<>> sessions_;
  std::unique_ptr<Log> log_;
  Table table_;
  bool failed_ = false;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: kv_server_callbacks DIR [PORT]\n";
    return 2;
  }
  return Server(argv[1], static_cast<std::uint16_t>(argc == 3 ? std::atoi(argv[2]) : 0)).run();
} catch (const std::exception& exception) {  // the port is taken, out of memory
  std::cerr << "kv_server_callbacks: " << exception.what() << '\n';
  return 1;
}
