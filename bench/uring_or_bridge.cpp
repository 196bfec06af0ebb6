// Would an AsyncDirectory on io_uring be better than BlockingBridge? Prints operations a second of both, 64
// in flight, for a few works: uring_or_bridge DIR [SECONDS]. The io_uring side is the most that such a
// directory could reach: no coroutines, no event loop beside it, no cancellation, no checks of paths.

#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "durability/async.hpp"
#include "durability/durability.hpp"

namespace {

namespace d = durability;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr unsigned kInFlight = 64;
constexpr unsigned kFiles = 64;

enum class Kind { kRead, kAppendDurable, kReplaceDurable };

struct Work {
  const char* name;
  Kind kind;
  std::size_t bytes;
};

constexpr Work kWorks[] = {{"read 4 KiB of a file", Kind::kRead, 4096},
                           {"read 64 KiB of a file", Kind::kRead, std::size_t{64} * 1024},
                           {"read 1 MiB of a file", Kind::kRead, std::size_t{1} << 20U},
                           {"append 128 B durably, each its file", Kind::kAppendDurable, 128},
                           {"replace a file of 4 KiB durably", Kind::kReplaceDurable, 4096}};

std::string file_name(std::size_t i) { return "file" + std::to_string(i % kFiles); }

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

class Bridge {
 public:
  Bridge(const std::shared_ptr<d::Directory>& directory, std::size_t threads)
      : bridge_(d::BlockingBridge::make(directory, {.threads = threads}).value()) {}

  double rate(const Work& work, double seconds) {
    asio::io_context loop;
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration<double>(seconds);
    std::size_t done = 0;
    for (std::size_t i = 0; i < kInFlight; ++i)
      asio::co_spawn(loop, repeat(work, i, end, done), asio::detached);
    loop.run();
    return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begin).count();
  }

 private:
  template <class End>
  asio::awaitable<void> repeat(Work work, std::size_t first, End end, std::size_t& done) {
    for (std::size_t i = first; Clock::now() < end; i += kInFlight + 1) {
      if (work.kind == Kind::kRead) {
        const auto read = co_await bridge_->read_range(file_name(i), 0, work.bytes);
        read.value();
      } else if (work.kind == Kind::kAppendDurable) {
        const auto appended = co_await bridge_->append_durable(file_name(first), d::Bytes(work.bytes));
        appended.value();
      } else {
        const auto written = co_await bridge_->write_durable(file_name(first), d::Bytes(work.bytes));
        written.value();
      }
      ++done;
    }
  }

  std::shared_ptr<d::BlockingBridge> bridge_;
};

/// Each slot has one operation in flight: a chain of requests of which the kernel begins the next itself.
class Uring {
 public:
  explicit Uring(const std::string& root) : root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    require(root_ >= 0, "open");
    require(::io_uring_queue_init(8 * kInFlight, &ring_, 0) == 0, "io_uring_queue_init");
    require(::io_uring_register_files_sparse(&ring_, kInFlight) == 0, "io_uring_register_files_sparse");
  }
  ~Uring() {
    ::io_uring_queue_exit(&ring_);
    ::close(root_);
  }
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  double rate(const Work& work, double seconds) {
    slots_.assign(kInFlight, {});
    for (auto& slot : slots_) slot.bytes.resize(work.bytes);
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration<double>(seconds);
    std::size_t done = 0;
    for (unsigned i = 0; i < kInFlight; ++i) start(work, i);
    for (unsigned running = kInFlight; running > 0;) {
      require(::io_uring_submit_and_wait(&ring_, 1) >= 0, "io_uring_submit_and_wait");
      io_uring_cqe* completion = nullptr;
      while (::io_uring_peek_cqe(&ring_, &completion) == 0) {
        const auto slot = static_cast<unsigned>(::io_uring_cqe_get_data64(completion));
        require(completion->res >= 0, "a request of io_uring");
        ::io_uring_cqe_seen(&ring_, completion);
        if (--slots_[slot].requests > 0) continue;
        ++done;
        if (Clock::now() < end) {
          start(work, slot);
        } else {
          --running;
        }
      }
    }
    return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begin).count();
  }

 private:
  struct Slot {
    std::vector<char> bytes{};
    std::string name{};
    std::string temporary{};
    std::size_t turn = 0;
    int requests = 0;
  };

  io_uring_sqe* next(unsigned slot, bool linked) {
    io_uring_sqe* request = ::io_uring_get_sqe(&ring_);
    require(request != nullptr, "io_uring_get_sqe");
    ++slots_[slot].requests;
    linked_ = linked;
    return request;
  }
  void finish(io_uring_sqe* request, unsigned slot, unsigned flags) const {
    request->flags |= static_cast<__u8>(flags | (linked_ ? IOSQE_IO_LINK : 0U));
    ::io_uring_sqe_set_data64(request, slot);
  }

  void open(unsigned slot, const std::string& name, int flags) {
    auto* request = next(slot, true);
    ::io_uring_prep_openat_direct(request, root_, name.c_str(), flags, 0644, slot);
    finish(request, slot, 0);
  }
  void transfer(unsigned slot, bool write) {
    auto& bytes = slots_[slot].bytes;
    auto* request = next(slot, true);
    const auto length = static_cast<unsigned>(bytes.size());
    if (write) {
      ::io_uring_prep_write(request, static_cast<int>(slot), bytes.data(), length, ~std::uint64_t{0});
    } else {
      ::io_uring_prep_read(request, static_cast<int>(slot), bytes.data(), length, 0);
    }
    finish(request, slot, IOSQE_FIXED_FILE);
  }
  void sync(unsigned slot, bool linked) {
    auto* request = next(slot, linked);
    ::io_uring_prep_fsync(request, static_cast<int>(slot), IORING_FSYNC_DATASYNC);
    finish(request, slot, IOSQE_FIXED_FILE);
  }
  void close(unsigned slot, bool linked) {
    auto* request = next(slot, linked);
    ::io_uring_prep_close_direct(request, slot);
    finish(request, slot, 0);
  }

  void start(const Work& work, unsigned index) {
    Slot& slot = slots_[index];
    slot.turn += kInFlight + 1;
    slot.name = file_name(work.kind == Kind::kRead ? index + slot.turn : index);
    if (work.kind == Kind::kRead) {
      open(index, slot.name, O_RDONLY);
      transfer(index, false);
      close(index, false);
    } else if (work.kind == Kind::kAppendDurable) {
      open(index, slot.name, O_WRONLY | O_APPEND);
      transfer(index, true);
      sync(index, true);
      close(index, true);
      sync_names(index);
    } else {
      slot.temporary = slot.name + ".tmp";
      open(index, slot.temporary, O_WRONLY | O_CREAT | O_TRUNC);
      transfer(index, true);
      sync(index, true);
      close(index, true);
      auto* request = next(index, true);
      ::io_uring_prep_renameat(request, root_, slot.temporary.c_str(), root_, slot.name.c_str(), 0);
      finish(request, index, 0);
      sync_names(index);
    }
  }
  void sync_names(unsigned slot) {
    auto* request = next(slot, false);
    ::io_uring_prep_fsync(request, root_, 0);
    finish(request, slot, 0);
  }

  int root_;
  io_uring ring_{};
  bool linked_ = false;
  std::vector<Slot> slots_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIR [SECONDS]\n", argv[0]);
    return 2;
  }
  const std::string root = argv[1];
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2.0;
  constexpr int kRounds = 3;
  std::printf("operations a second, %u in flight, median of %d rounds of %.1f s\n", kInFlight, kRounds,
              seconds);
  std::printf("%-38s %12s %12s %12s\n", "", "4 threads", "64 threads", "io_uring");
  for (const Work& work : kWorks) {
    const std::shared_ptr<d::Directory> directory = d::FsDirectory::open(root).value();
    for (std::size_t i = 0; i < kFiles; ++i)
      directory->atomic_write(file_name(i), d::Bytes(std::max<std::size_t>(work.bytes, 4096))).value();
    directory->sync_directory("").value();
    Bridge few(directory, 4);
    Bridge many(directory, kInFlight);
    Uring uring(root);
    std::vector<double> rates[3];
    for (int round = 0; round < kRounds; ++round) {
      rates[0].push_back(few.rate(work, seconds));
      rates[1].push_back(many.rate(work, seconds));
      rates[2].push_back(uring.rate(work, seconds));
    }
    std::printf("%-38s %12.0f %12.0f %12.0f\n", work.name, median(rates[0]), median(rates[1]),
                median(rates[2]));
    std::fflush(stdout);
  }
}
