#pragma once

// Random work for a log, and random ways to store it. rapidcheck chooses, shrinks what fails, and prints the
// RC_PARAMS that repeat it.

#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

#include "durability/durability.hpp"
#include "durability/testing/crash_directory.hpp"

namespace durability::property {

enum class Do : std::uint8_t { kAppend, kBatch, kAtomicBatch, kFlush, kSync };

struct Step {
  Do what = Do::kAppend;
  std::vector<std::uint16_t> sizes;  ///< of the payloads
};

using Steps = std::vector<Step>;

/// How a log is written; nothing of it may be seen in what is recovered.
struct Way {
  WalFormat format = WalFormat::kV4;
  std::uint64_t segment_bytes = 4096;
  std::uint64_t preallocate_bytes = 0;
  std::size_t buffer_bytes = 4096;
  std::size_t recycle_segments = 0;
  FlushPolicy flush = FlushPolicy::manual();

  [[nodiscard]] WalOptions options() const;
};

/// How a reader reads.
inline constexpr std::size_t kReadBuffers[] = {24, 100, 65536};

rc::Gen<Steps> any_steps();
Way any_way(WalFormat format);
WalFormat any_format();

std::ostream& operator<<(std::ostream& out, const Step& step);
std::ostream& operator<<(std::ostream& out, const Way& way);

/// No two payloads of a log are alike, unless they are short.
Bytes payload_of(std::uint64_t number, std::size_t size);

/// Does the steps; yields what was appended. Atomic batches become plain ones in versions 2 and 3.
std::vector<Bytes> write(WalWriter<Bytes>& writer, const Steps& steps, WalFormat format);

/// All of a log, strictly; fails the property where ids do not count on from 1.
std::vector<Bytes> read_strictly(const std::shared_ptr<Directory>& directory);

/// Opens, writes, closes.
std::shared_ptr<testing::CrashDirectory> written(const Way& way, const Steps& steps);

}  // namespace durability::property
