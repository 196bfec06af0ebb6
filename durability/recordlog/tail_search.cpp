#include "durability/recordlog/tail_search.hpp"

#include <algorithm>
#include <queue>
#include <vector>

#include "durability/base/crc32.hpp"

namespace durability::recordlog {
namespace {

constexpr std::size_t kSearchStepBytes = 64U << 10U;
constexpr std::uint64_t kMinWaiting = (std::uint64_t{1} << 20U) / 16;
constexpr std::uint64_t kMaxWaiting = (std::uint64_t{64} << 20U) / 16;

/// A place that is a whole record if the running checksum is `expected` at `end`.
struct Candidate {
  std::uint64_t end;
  std::uint32_t expected;
  bool operator>(const Candidate& other) const noexcept { return end > other.end; }
};
static_assert(sizeof(Candidate) == 16);

class Search {
 public:
  Search(FileWindow& window, std::uint64_t begin, RecordLogFormat format)
      : window_(window),
        format_(format),
        at_(begin),
        most_waiting_(std::clamp((window.size() - std::min(begin, window.size())) / sizeof(Candidate),
                                 kMinWaiting, kMaxWaiting)) {}

  Result<TailSearch> run() {
    for (std::uint64_t offset = at_; offset + kRecordHeadBytes <= window_.size();) {
      DURABILITY_TRY_ASSIGN(const ByteView bytes, window_.view(offset, kSearchStepBytes));
      if (bytes.size() < kRecordHeadBytes) break;
      const std::size_t places = bytes.size() - kRecordHeadBytes + 1;
      look_at(bytes, offset, places);
      if (found_.found || found_.given_up) return found_;
      offset += places;
    }
    DURABILITY_TRY(finish());
    return found_;
  }

 private:
  // The first `places` bytes of `bytes`, which lie at `offset`; the running checksum stands at `offset`.
  void look_at(ByteView bytes, std::uint64_t offset, std::size_t places) {
    const auto advance = [&](std::uint64_t to) {
      run_over(bytes.subspan(static_cast<std::size_t>(at_ - offset), static_cast<std::size_t>(to - at_)));
    };
    for (std::size_t i = 0; i < places; ++i) {
      const std::uint64_t at = offset + i;
      while (!waiting_.empty() && waiting_.top().end <= at) {
        advance(at);
        if (check_candidate()) return;
      }
      const ByteView head = bytes.subspan(i, kRecordHeadBytes);
      const RecordHead read = read_head(head, window_.size() - at);
      if (read.state != RecordState::kWhole) continue;
      if (format_ == RecordLogFormat::kV1 && read.payload_bytes == 0) continue;
      advance(at);
      if (waiting_.size() >= most_waiting_) {
        found_.given_up = true;
        return;
      }
      waiting_.push(candidate_at(head, read.payload_bytes));
      found_.checksummed += kRecordHeadBytes;
    }
    advance(offset + places);
  }

  [[nodiscard]] Candidate candidate_at(ByteView head, std::uint32_t payload_bytes) const noexcept {
    const std::uint32_t before_payload = crc32(head, running_);
    // The record's checksum starts elsewhere than the running one: what lies between is carried along.
    const std::uint32_t apart = before_payload ^ checksum_start(format_, head);
    const auto stored = load_le<std::uint32_t>(head, kCrcOffset);
    return {.end = at_ + kRecordHeadBytes + payload_bytes,
            .expected = crc32_combine(apart, stored, payload_bytes)};
  }

  void run_over(ByteView bytes) noexcept {
    running_ = crc32(bytes, running_);
    at_ += bytes.size();
    found_.checksummed += bytes.size();
  }

  // The running checksum stands where the first candidate ends.
  bool check_candidate() {
    found_.found = waiting_.top().expected == running_;
    waiting_.pop();
    return found_.found;
  }

  // Past the last place that could be a head.
  Status finish() {
    while (!waiting_.empty()) {
      const std::uint64_t end = waiting_.top().end;
      DURABILITY_TRY_ASSIGN(const ByteView bytes, window_.view(at_, static_cast<std::size_t>(end - at_)));
      if (bytes.size() < end - at_) return {};  // somebody cut the file meanwhile
      run_over(bytes);
      if (check_candidate()) return {};
    }
    return {};
  }

  FileWindow& window_;
  RecordLogFormat format_;
  std::uint64_t at_;  // the running checksum covers what was searched up to here
  std::uint32_t running_ = 0;
  std::uint64_t most_waiting_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> waiting_;
  TailSearch found_;
};

}  // namespace

Result<TailSearch> search_past(FileWindow& window, std::uint64_t damage, RecordLogFormat format) {
  return Search(window, damage + 1, format).run();
}

}  // namespace durability::recordlog
