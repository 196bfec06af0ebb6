#pragma once

// Identifiers that cannot be mixed up. EntryId and SegmentId count; a DurableId is an EntryId that a
// finished sync vouches for.

#include <fmt/core.h>

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <limits>

#include "durability/base/result.hpp"

namespace durability {

/// A number that rises by exactly one. 0 means "none yet": real entries and segments begin at 1.
template <class Tag>
class SequenceId {
 public:
  constexpr SequenceId() noexcept = default;
  constexpr explicit SequenceId(std::uint64_t value) noexcept : value_(value) {}

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

  /// The id after this one, or `invalid_state` at the end of u64: ids never wrap.
  [[nodiscard]] Result<SequenceId> next() const {
    if (value_ == std::numeric_limits<std::uint64_t>::max()) {
      return Error(ErrorCode::kInvalidState, fmt::format("{} ids are used up", Tag::kName))
          .advise("nothing was written; start a new log");
    }
    return SequenceId(value_ + 1);
  }

  constexpr auto operator<=>(const SequenceId&) const noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

struct EntryIdTag {
  static constexpr const char* kName = "entry";
};
struct SegmentIdTag {
  static constexpr const char* kName = "segment";
};

/// Position of an entry in the whole log.
using EntryId = SequenceId<EntryIdTag>;
/// Number of a WAL segment; it stands in the file's name and header.
using SegmentId = SequenceId<SegmentIdTag>;

namespace internal {
struct DurableIdIssuer;
}  // namespace internal

/// Proof that every entry up to and including entry() is on stable storage: it survives a power cut.
/// Only a finished sync, a resumed log or a checkpoint read back yields one, so that acknowledging,
/// publishing or truncating what is not durable does not compile. It is of one log, and no other takes it.
class DurableId {
 public:
  [[nodiscard]] constexpr EntryId entry() const noexcept { return entry_; }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return entry_.value(); }
  /// Which log's: Directory::identity() of the log's directory; a record log's own.
  [[nodiscard]] constexpr std::uint64_t log() const noexcept { return log_; }
  constexpr auto operator<=>(const DurableId&) const noexcept = default;

 private:
  friend struct internal::DurableIdIssuer;
  constexpr DurableId(EntryId entry, std::uint64_t log) noexcept : entry_(entry), log_(log) {}

  EntryId entry_;
  std::uint64_t log_;
};

namespace internal {
/// The one door to a DurableId; for the library's own writers and checkpoint reader.
struct DurableIdIssuer {
  [[nodiscard]] static constexpr DurableId issue(EntryId entry, std::uint64_t log) noexcept {
    return {entry, log};
  }
};
}  // namespace internal

std::ostream& operator<<(std::ostream& out, EntryId id);
std::ostream& operator<<(std::ostream& out, SegmentId id);
std::ostream& operator<<(std::ostream& out, DurableId id);

}  // namespace durability

template <class Tag>
struct fmt::formatter<durability::SequenceId<Tag>> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(durability::SequenceId<Tag> id, Context& context) const {
    return fmt::format_to(context.out(), "{}", id.value());
  }
};

template <>
struct fmt::formatter<durability::DurableId> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(durability::DurableId id, Context& context) const {
    return fmt::format_to(context.out(), "{}", id.value());
  }
};
