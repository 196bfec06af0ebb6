#pragma once

// One measurement of one contender in one process: run.py starts it, and reads the line of JSON it prints.
// A process of its own for each, so that peak memory and system calls are those of one contender and nothing
// is warm but the page cache.
//
// A contender is a class:
//
//   explicit C(const Job&)                           opens an empty log in job.directory; not timed
//   void append(std::string_view)                    not synced, by one thread
//   void finish()                                    all of it is with the operating system
//   void append_durable(std::string_view)            returns when it is on stable storage; by many threads
//   void append_durable(std::string_view, Done)      the same at once, calling Done when it is (optional)
//   static std::uint64_t replay(const Job&)          opens and reads what append left; the number of entries
//   static auto open(const Job&)                     opens what append left, ready to append (optional)

#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

/// The command line: `<work> <directory> [--name value]…`.
struct Job {
  std::string work;  ///< append, durable, in-flight, replay or open
  std::string directory;
  std::string variant;  ///< of the contender's own
  std::uint64_t entries = 1'000'000;
  std::size_t bytes = 128;
  unsigned threads = 1;
  double seconds = 1;  ///< durable works go on for so long
  std::size_t in_flight = 1024;
  std::uint64_t segment_bytes = 0;  ///< 0: the contender's default

  /// Ends the process where the command line makes no sense.
  static Job parse(int argc, char** argv);

  [[nodiscard]] Clock::time_point deadline(Clock::time_point begin) const {
    return begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
};

struct Measurement {
  std::uint64_t entries = 0;
  double seconds = 0;
  std::vector<std::uint32_t> latencies_ns;  ///< of durable works, one an entry

  void print() const;
};

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

inline std::uint32_t nanoseconds(Clock::duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  return count > 0xffffffffLL ? 0xffffffffU : static_cast<std::uint32_t>(count);
}

template <class Contender>
Measurement append(const Job& job) {
  const std::string payload(job.bytes, 'x');
  Contender log(job);
  const auto begin = Clock::now();
  for (std::uint64_t i = 0; i < job.entries; ++i) log.append(payload);
  log.finish();
  return {.entries = job.entries, .seconds = seconds_since(begin), .latencies_ns = {}};
}

/// Each thread waits for its own append before the next.
template <class Contender>
Measurement durable(const Job& job) {
  const std::string payload(job.bytes, 'x');
  Contender log(job);
  std::vector<std::vector<std::uint32_t>> latencies(job.threads);
  std::latch ready(job.threads + 1);
  std::vector<std::thread> threads;
  threads.reserve(job.threads);
  for (unsigned t = 0; t < job.threads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::uint32_t>& mine = latencies[t];
      mine.reserve(1U << 16U);
      ready.arrive_and_wait();
      auto now = Clock::now();
      const auto deadline = job.deadline(now);
      do {
        const auto begin = now;
        log.append_durable(payload);
        now = Clock::now();
        mine.push_back(nanoseconds(now - begin));
      } while (now < deadline);
    });
  }
  ready.arrive_and_wait();
  const auto begin = Clock::now();
  for (std::thread& thread : threads) thread.join();
  Measurement result{.entries = 0, .seconds = seconds_since(begin), .latencies_ns = {}};
  for (const auto& mine : latencies) {
    result.latencies_ns.insert(result.latencies_ns.end(), mine.begin(), mine.end());
  }
  result.entries = result.latencies_ns.size();
  return result;
}

/// One thread, many appends under way; the contender holds the thread up where job.in_flight are.
template <class Contender>
Measurement in_flight(const Job& job) {
  const std::string payload(job.bytes, 'x');
  Contender log(job);
  std::vector<std::uint32_t> latencies;  // only completions touch it: they come one at a time
  latencies.reserve(1U << 22U);
  std::atomic<std::uint64_t> completed{0};
  const auto begin = Clock::now();
  const auto deadline = job.deadline(begin);
  std::uint64_t appended = 0;
  for (auto now = begin; now < deadline; now = Clock::now()) {
    log.append_durable(payload, [&latencies, &completed, now] {
      latencies.push_back(nanoseconds(Clock::now() - now));
      completed.fetch_add(1, std::memory_order_release);
    });
    ++appended;
  }
  while (completed.load(std::memory_order_acquire) < appended) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return {.entries = appended, .seconds = seconds_since(begin), .latencies_ns = std::move(latencies)};
}

template <class Contender>
Measurement replay(const Job& job) {
  const auto begin = Clock::now();
  const std::uint64_t entries = Contender::replay(job);
  return {.entries = entries, .seconds = seconds_since(begin), .latencies_ns = {}};
}

inline constexpr int kNotMeasured = 3;  ///< exit status: this contender has no such work

template <class Contender>
int run(int argc, char** argv) {
  const Job job = Job::parse(argc, argv);
  if (job.work == "append") {
    append<Contender>(job).print();
  } else if (job.work == "durable") {
    durable<Contender>(job).print();
  } else if (job.work == "replay") {
    replay<Contender>(job).print();
  } else if (job.work == "in-flight") {
    if constexpr (requires(Contender& log) { log.append_durable({}, [] {}); }) {
      in_flight<Contender>(job).print();
    } else {
      return kNotMeasured;
    }
  } else if (job.work == "open") {
    if constexpr (requires { Contender::open(job); }) {
      const auto begin = Clock::now();
      [[maybe_unused]] const auto opened = Contender::open(job);
      Measurement{.entries = 1, .seconds = seconds_since(begin), .latencies_ns = {}}.print();
    } else {
      return kNotMeasured;
    }
  }
  return 0;
}

}  // namespace bench
