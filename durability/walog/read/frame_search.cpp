#include "durability/walog/read/frame_search.hpp"

#include <algorithm>

namespace durability::walog {
namespace {

bool id_possible(EntryId id, EntryId missing, std::uint64_t distance) noexcept {
  const std::uint64_t above = distance / v4::kFrameHeadBytes + 1;
  return id >= missing && id.value() - missing.value() <= above;
}

class Search {
 public:
  Search(const FrameReader& frames, std::uint64_t begin, EntryId missing)
      : frames_(frames), window_(frames.window()), begin_(begin), missing_(missing) {}

  Result<TailSearch> run() {
    const std::uint64_t searched = window_.size() > begin_ ? window_.size() - begin_ : 0;
    budget_ = kSearchBudgetFactor * searched;
    for (std::uint64_t offset = begin_; offset + v4::kFrameHeadBytes <= window_.size();) {
      DURABILITY_TRY_ASSIGN(const ByteView bytes, window_.view(offset, kSearchStepBytes));
      if (bytes.size() < v4::kFrameHeadBytes) break;
      const std::size_t next = next_candidate(bytes, offset);
      if (next + v4::kFrameHeadBytes > bytes.size()) {
        offset += next;
        continue;
      }
      DURABILITY_TRY(try_candidate(offset + next));
      if (found_.budget_spent) break;
      offset += next + v4::kFrameAlignment;
    }
    return found_;
  }

 private:
  // Index of the next plausible head in `bytes`, or of the first place that was not looked at.
  [[nodiscard]] std::size_t next_candidate(ByteView bytes, std::uint64_t offset) const noexcept {
    std::size_t index = 0;
    for (; index + v4::kFrameHeadBytes <= bytes.size(); index += v4::kFrameAlignment) {
      const ByteView head = bytes.subspan(index, v4::kFrameHeadBytes);
      const std::uint64_t distance = offset + index - begin_;
      if (v4::could_be_frame(head) && id_possible(v4::id_field(head), missing_, distance) &&
          *v4::plausible_length(head) <= window_.size() - offset - index) {
        break;
      }
    }
    return index;
  }

  Status try_candidate(std::uint64_t offset) {
    DURABILITY_TRY_ASSIGN(const ByteView head, window_.view(offset, v4::kFrameHeadBytes));
    const std::uint64_t length = v4::plausible_length(head).value_or(0);
    if (found_.checksummed + length > budget_) {
      found_.budget_spent = true;
      return {};
    }
    found_.checksummed += length;
    v4::Frame frame;
    DURABILITY_TRY_ASSIGN(const auto state, frames_.frame_at(offset, frame));
    if (state != v4::FrameState::kWhole) return {};
    if (!found_.first && frame.fields.kind == v4::FrameKind::kEntry) {
      found_.first.emplace(offset, frame.fields.id);
    }
    found_.highest = std::max(found_.highest.value_or(EntryId(0)), frame.fields.id);
    if (frame.vouches_for()) {
      found_.vouched = std::max(found_.vouched.value_or(EntryId(0)), *frame.vouches_for());
    }
    return {};
  }

  const FrameReader& frames_;
  FileWindow& window_;
  std::uint64_t begin_;
  EntryId missing_;
  std::uint64_t budget_ = 0;
  TailSearch found_;
};

}  // namespace

Result<TailSearch> search_past(const FrameReader& frames, std::uint64_t offset, EntryId missing) {
  return Search(frames, offset, missing).run();
}

Result<std::optional<FoundSeal>> find_seal(const FrameReader& frames) {
  DURABILITY_TRY_ASSIGN(const std::uint64_t end, frames.window().end_of_data(v4::kHeaderBytes));
  // A seal's last bytes may be zero themselves (its last word always is), never its length field.
  const std::uint64_t earliest = end > v4::kSealBytes ? end - v4::kSealBytes : 0;
  for (std::uint64_t offset = std::max<std::uint64_t>(align8(earliest), v4::kHeaderBytes); offset < end;
       offset += v4::kFrameAlignment) {
    v4::Frame frame;
    DURABILITY_TRY_ASSIGN(const auto state, frames.frame_at(offset, frame));
    if (state == v4::FrameState::kWhole && frame.fields.kind == v4::FrameKind::kSeal) {
      return FoundSeal{.last = frame.fields.id, .tally = frame.seal()};
    }
  }
  return std::optional<FoundSeal>{};
}

}  // namespace durability::walog
