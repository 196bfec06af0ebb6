// The floor as a contender. Variant `preallocated`: its file is full of zeros from the start.

#include "floor.hpp"

#include "contender.hpp"

namespace {

constexpr std::uint64_t kPreallocated = std::uint64_t{64} << 20U;

class Floor {
 public:
  explicit Floor(const bench::Job& job)
      : log_(path(job), job.variant == "preallocated" ? kPreallocated : 0) {}

  void append(std::string_view payload) { log_.append(payload); }
  void finish() { log_.flush(); }
  void append_durable(std::string_view payload) { log_.append_durable(payload); }

  static std::uint64_t replay(const bench::Job& job) { return floor_log::replay(path(job)); }

 private:
  static std::string path(const bench::Job& job) { return job.directory + "/floor.log"; }

  floor_log::Log log_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Floor>(argc, argv); }
