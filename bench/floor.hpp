#pragma once

// The floor: what the machine can do when a program does nothing but the unavoidable. Frames of 16 bytes
// and the payload, a crc32 each, a buffer of 64 KiB, pwrite, fdatasync; no ids to check, no rotation, no
// recovery. Ratios to it are what a figure of the library means: absolute ones move from run to run.

#include <fcntl.h>
#include <libdeflate.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace floor_log {

inline void must(bool ok) {
  if (!ok) std::abort();
}

inline void write_all(int fd, const char* bytes, std::size_t count, std::uint64_t offset) {
  while (count > 0) {
    const ssize_t written = ::pwrite(fd, bytes, count, static_cast<off_t>(offset));
    must(written > 0);
    bytes += written;
    count -= static_cast<std::size_t>(written);
    offset += static_cast<std::uint64_t>(written);
  }
}

class Log {
 public:
  Log(const std::string& path, std::uint64_t preallocate) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd_ >= 0);
    const std::vector<char> zeros(1U << 20U);
    for (std::uint64_t done = 0; done < preallocate; done += zeros.size()) {
      write_all(fd_, zeros.data(), zeros.size(), done);
    }
    must(::fsync(fd_) == 0);
    buffer_.reserve(kBufferBytes);
  }
  ~Log() { ::close(fd_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void append(std::string_view payload) {
    const std::size_t length = 16 + payload.size();
    if (buffer_.size() + length > kBufferBytes) flush();
    const std::size_t begin = buffer_.size();
    buffer_.resize(begin + length);
    char* frame = buffer_.data() + begin;
    const auto stored = static_cast<std::uint32_t>(length);
    const std::uint64_t id = ++last_;
    std::memcpy(frame + 4, &stored, 4);
    std::memcpy(frame + 8, &id, 8);
    std::memcpy(frame + 16, payload.data(), payload.size());
    const std::uint32_t crc = libdeflate_crc32(0, frame + 4, length - 4);
    std::memcpy(frame, &crc, 4);
  }
  void flush() {
    write_all(fd_, buffer_.data(), buffer_.size(), offset_);
    offset_ += buffer_.size();
    buffer_.clear();
  }
  void sync() const { must(::fdatasync(fd_) == 0); }

  /// Appends and returns when a sync that began later has returned; from many threads.
  void append_durable(std::string_view payload) {
    std::unique_lock lock(mutex_);
    append(payload);
    const std::uint64_t mine = last_;
    while (durable_ < mine) {
      if (syncing_) {
        changed_.wait(lock);
        continue;
      }
      syncing_ = true;
      flush();
      const std::uint64_t target = last_;
      lock.unlock();
      sync();
      lock.lock();
      durable_ = target;
      syncing_ = false;
      changed_.notify_all();
    }
  }

 private:
  static constexpr std::size_t kBufferBytes = 64U << 10U;

  int fd_ = -1;
  std::vector<char> buffer_;
  std::uint64_t offset_ = 0;
  std::uint64_t last_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t durable_ = 0;
  bool syncing_ = false;
};

/// Reads a log that Log wrote, every checksum verified; returns the number of frames.
inline std::uint64_t replay(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  must(fd >= 0);
  std::vector<char> buffer(256U << 10U);
  std::size_t held = 0;
  std::uint64_t frames = 0;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data() + held, buffer.size() - held);
    must(got >= 0);
    held += static_cast<std::size_t>(got);
    std::size_t at = 0;
    while (held - at >= 16) {
      std::uint32_t length = 0;
      std::memcpy(&length, buffer.data() + at + 4, 4);
      if (length < 16 || held - at < length) break;
      std::uint32_t crc = 0;
      std::memcpy(&crc, buffer.data() + at, 4);
      must(crc == libdeflate_crc32(0, buffer.data() + at + 4, length - 4));
      at += length;
      ++frames;
    }
    std::memmove(buffer.data(), buffer.data() + at, held - at);
    held -= at;
    if (got == 0 || at == 0) break;
  }
  ::close(fd);
  return frames;
}

}  // namespace floor_log
