#include "durability/storage/read_ahead.hpp"

#include <algorithm>
#include <utility>

namespace durability {

ReadAhead::~ReadAhead() {
  {
    const LockGuard lock(mutex_);
    ending_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::start(std::shared_ptr<File> file, std::uint64_t begin, std::uint64_t end) {
  Lock lock(mutex_);
  end_ = 0;  // nothing more of the old file
  read_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return idle(); });
  for (Chunk& chunk : chunks_) {
    chunk.state = State::kLeft;
    if (!chunk.memory) chunk.memory = std::make_unique_for_overwrite<std::byte[]>(2 * chunk_bytes_);
  }
  file_ = std::move(file);
  begin_ = begin;
  claimed_ = 0;
  taken_ = 0;
  end_ = end;
  if (!thread_.joinable()) {
    auto thread = Thread::start([this] { run(); });
    if (!thread) return;  // too many threads: next() reads for itself
    thread_ = *std::move(thread);
  }
  lock.unlock();
  work_.notify_one();
}

bool ReadAhead::idle() const noexcept {
  return std::ranges::none_of(chunks_, [](const Chunk& chunk) { return chunk.state == State::kReading; });
}

bool ReadAhead::has_unclaimed() const noexcept {
  return claimed_ + 1 < taken_ + kChunks && begin_ + claimed_ * chunk_bytes_ < end_;
}

void ReadAhead::read(std::uint64_t number) {
  Chunk& mine = chunk(number);
  mine.state = State::kReading;
  const std::uint64_t offset = begin_ + number * chunk_bytes_;
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes_, end_ - offset));
  File& file = *file_;  // stays: start() waits for whoever reads
  try {
    const Dropped dropped(mutex_);
    mine.got = file.read_at(offset, MutableByteView(mine.memory.get() + chunk_bytes_, length));
  } catch (...) {
    mine.state = State::kLeft;
    read_.notify_one();
    throw;
  }
  mine.state = State::kRead;
  read_.notify_one();
}

void ReadAhead::run() {
  const LockGuard lock(mutex_);
  while (!ending_) {
    if (!has_unclaimed()) {
      waiting_ = true;
      work_.wait(mutex_);
      waiting_ = false;
      continue;
    }
    try {
      read(claimed_++);
    } catch (...) {
      continue;  // out of memory: left to next(), which throws if it is so again
    }
  }
}

Result<ByteView> ReadAhead::next(ByteView in_front) {
  Lock lock(mutex_);
  Chunk& wanted = chunk(taken_);
  while (wanted.state != State::kRead || claimed_ == taken_) {
    if (claimed_ > taken_ && wanted.state == State::kLeft) {
      read(taken_);
    } else if (has_unclaimed()) {
      read(claimed_++);
    } else {
      read_.wait(mutex_);
    }
  }
  DURABILITY_TRY_ASSIGN(const std::size_t got, std::move(wanted.got));
  // What goes before the new chunk (in_front) lies in the old one, which is let go of here.
  std::byte* const begin = wanted.memory.get() + chunk_bytes_ - in_front.size();
  std::ranges::copy(in_front, begin);
  ++taken_;
  // Woken for half of the chunks, not for each.
  const bool wake = waiting_ && has_unclaimed() && claimed_ < taken_ + kChunks / 2;
  lock.unlock();
  if (wake) work_.notify_one();
  return ByteView(begin, in_front.size() + got);
}

}  // namespace durability
