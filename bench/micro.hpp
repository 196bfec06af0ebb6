#pragma once

// What the micro-benchmarks share: a directory on a disk that goes away, and one size of job.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "durability/durability.hpp"

namespace micro {

namespace d = durability;

/// A fresh directory under DURABILITY_BENCH_DIR, or where temporaries live, removed at the end.
class Scratch {
 public:
  Scratch() {
    const char* chosen = std::getenv("DURABILITY_BENCH_DIR");
    const std::filesystem::path parent = chosen != nullptr ? chosen : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "durability-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::shared_ptr<d::Directory> directory() const {
    return d::FsDirectory::open(path_).value();
  }

 private:
  std::filesystem::path path_;
};

/// A small entry, as a program would have it: about 40 bytes encoded.
struct Event {
  std::uint64_t at = 0;
  std::uint32_t kind = 0;
  std::string key;
  std::string value;
};

inline Event event_of(std::uint64_t i) {
  return {.at = 1'700'000'000 + i, .kind = 3, .key = "user:4711", .value = "Marie Curie discovered radium"};
}

}  // namespace micro
