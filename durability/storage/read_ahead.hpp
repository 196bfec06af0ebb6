#pragma once

// Reads a file in order, ahead of whoever uses it, on a second thread.
//
// The file is cut into chunks, and a few of them have a place in memory. Whoever comes first, the thread or
// the one who needs the next chunk, reads the first one that nobody has begun: so nobody waits for a thread
// that was not scheduled, and where reading is the slower half, both do it. What was read is used in order,
// and so an error is met where it would be met without a second thread, or, if nobody gets that far, not at
// all.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "durability/base/sync.hpp"
#include "durability/storage/file.hpp"

namespace durability {

/// Used by one thread. Memory: four chunks, and as much address space again, from the first start() on.
class ReadAhead {
 public:
  explicit ReadAhead(std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}
  /// Returns when the thread has ended.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  [[nodiscard]] std::size_t chunk_bytes() const noexcept { return chunk_bytes_; }

  /// Begins to read [begin, end) of `file`, and gives up what it read before. begin < end.
  void start(std::shared_ptr<File> file, std::uint64_t begin, std::uint64_t end);

  /// The next chunk, with a copy of `in_front`, at most chunk_bytes(), before it. Shorter than a chunk
  /// where the range or the file ends. The view lives until the next call.
  Result<ByteView> next(ByteView in_front);

 private:
  static constexpr std::size_t kChunks = 4;

  enum class State : std::uint8_t { kLeft, kReading, kRead };
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;  // a copy of `in_front`, then the chunk
    State state = State::kLeft;           // left: to whoever needs it
    Result<std::size_t> got{0};
  };

  void run();
  void read(std::uint64_t number) DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] bool has_unclaimed() const noexcept DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] bool idle() const noexcept DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] Chunk& chunk(std::uint64_t number) noexcept DURABILITY_REQUIRES(mutex_) {
    return chunks_[number % kChunks];
  }

  const std::size_t chunk_bytes_;
  Mutex mutex_;
  Condition work_;                                                   // for the thread
  Condition read_;                                                   // a chunk has been read
  std::array<Chunk, kChunks> chunks_ DURABILITY_GUARDED_BY(mutex_);  // not what is in one while it is read
  std::shared_ptr<File> file_ DURABILITY_GUARDED_BY(mutex_);
  std::uint64_t begin_ DURABILITY_GUARDED_BY(mutex_) = 0;
  std::uint64_t end_ DURABILITY_GUARDED_BY(mutex_) = 0;
  std::uint64_t claimed_ DURABILITY_GUARDED_BY(mutex_) = 0;  // chunks that somebody reads, or has read
  std::uint64_t taken_ DURABILITY_GUARDED_BY(mutex_) = 0;  // chunks that were handed out; the last is in use
  bool waiting_ DURABILITY_GUARDED_BY(mutex_) = false;     // the thread, for work
  bool ending_ DURABILITY_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace durability
