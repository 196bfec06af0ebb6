#pragma once

// What a life saw: which words it asked a log to take, which were refused, taken, acknowledged; and whether
// the log agrees. Notes without allocating anything. Thread-safe but for judging.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/walog/reader.hpp"
#include "shortage.hpp"

namespace durability::shortages {

/// Word number `n`; some are longer than a writer's buffer. In the name of Exempt.
[[nodiscard]] std::string word(std::size_t n);

class Witness {
 public:
  static constexpr std::size_t kMostWords = 512;
  static constexpr std::size_t kLongest = 300;

  void asks(std::size_t word) noexcept { set(word, Fate::kAsked); }
  /// The answer to that: an id, or not.
  void hears(std::size_t word, const Result<EntryId>& answer) noexcept;
  void hears(std::size_t word, const Result<DurableId>& answer) noexcept;
  /// Everything up to here is acknowledged.
  void durable(EntryId upto) noexcept;
  /// What was refused so far may be there all the same, and what was taken, but not acknowledged, may not.
  void loses_its_writer() noexcept;
  /// The log may begin after this entry.
  void truncates(EntryId upto) noexcept { truncated_.store(upto.value()); }

  [[nodiscard]] EntryId acknowledged() const noexcept { return EntryId(acknowledged_.load()); }
  [[nodiscard]] EntryId truncated() const noexcept { return EntryId(truncated_.load()); }

  /// The entries of a log, or of a state that was recovered, whose first has that id; empty where all is as
  /// it was heard.
  [[nodiscard]] std::string judge(EntryId first, const std::vector<std::string>& words) const;

 private:
  enum class Fate : std::uint8_t { kNever, kAsked, kRefused, kTaken };

  void set(std::size_t word, Fate fate) noexcept { fates_.at(word).store(fate); }
  void took(std::size_t word, EntryId id) noexcept;
  [[nodiscard]] std::string judge_one(std::size_t word, EntryId id) const;

  std::array<std::atomic<Fate>, kMostWords> fates_{};
  std::array<std::atomic<std::uint64_t>, kMostWords> ids_{};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> truncated_{0};
};

/// A directory on the file system, whose descriptors can run short; gone at the end.
class Place {
 public:
  Place();
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// Opens it. May fail, or throw bad_alloc, while armed.
  [[nodiscard]] Result<std::shared_ptr<Directory>> open() const;
  /// The same, in plenty.
  [[nodiscard]] std::shared_ptr<Directory> directory() const;

 private:
  std::string path_;
};

/// Whether a writer that said this has ended: it has to be closed, and opened again.
[[nodiscard]] inline bool has_ended(const Error& error) {
  return error.code() == ErrorCode::kPoisoned || error.code() == ErrorCode::kClosed ||
         error.code() == ErrorCode::kInvalidState;
}

/// What `call` yields; bad_alloc passes through the library, and counts as an error.
template <class Call>
auto ask(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    const Exempt exempt;
    return Error(ErrorCode::kIo, "bad_alloc");
  }
}

}  // namespace durability::shortages
