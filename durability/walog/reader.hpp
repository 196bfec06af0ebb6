#pragma once

// Reading a log of typed entries.

#include <functional>
#include <utility>
#include <vector>

#include "durability/codec/codec.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/byte_reader.hpp"

namespace durability {

template <class E>
struct WalRecord {
  EntryId id;
  E entry;
};

namespace walog {

[[nodiscard]] inline Error at_entry(const WalEntryView& view, Error error) {
  return error.in_file(segment_path(view.segment))
      .at_offset(view.offset)
      .advise("nothing was changed; read it as the type that was written, or as bytes");
}

/// The entry; an error names its place.
template <class E, class Codec>
Result<E> decode_entry(const WalEntryView& view) {
  auto decoded = Codec::template decode<E>(view.payload);
  if (!decoded) return at_entry(view, std::move(decoded).error());
  return decoded;
}

}  // namespace walog

/// Reads `wal/` of a directory. Never writes, takes no lock, and is safe beside a live writer, where it
/// sees a prefix of the log. Copyable; several readers may read at once.
///
/// Errors: `torn_tail` (strict: the log ends in an unacknowledged tail), `corrupt` (something acknowledged
/// or sealed is damaged), `format`, `decode` (an entry is not an E), `truncated_away` (a range that is asked
/// for is no longer there), `busy` (16 readings in a row found the log changed), `io`. Entries before
/// the error have been delivered.
template <class E, class Codec = Postcard>
class WalReader {
 public:
  explicit WalReader(std::shared_ptr<Directory> directory) : reader_(std::move(directory)) {}

  /// A reader of the entries from `id` on. Of version 4, earlier segments are not read. Where the log begins
  /// past `id`, reading is `truncated_away`: never a silent gap.
  ///
  /// To wait for new entries keep one reader, and read from(report.next) of it again and again: it remembers
  /// where the log ended. Where nothing has come that is a look at the names and at one place, some tens of
  /// microseconds however large the segments are; what has come is read from there on. A reader that is made
  /// anew each time reads the last segment, and the zeros after it, whole. (Version 4; what becomes damaged
  /// past the end while one waits is found by reading from the beginning, verify() and opening.)
  [[nodiscard]] WalReader from(EntryId id) const {
    WalReader narrowed = *this;
    narrowed.range_.from = id;
    return narrowed;
  }
  /// A reader of the entries up to and including `id`; nothing after it is read, let alone decoded.
  [[nodiscard]] WalReader up_to(EntryId id) const {
    WalReader narrowed = *this;
    narrowed.range_.up_to = id;
    return narrowed;
  }

  /// A reader that has a second thread read from the disk, or copy out of the page cache, what comes next
  /// while this one checks and decodes what came before. What it delivers, and every error, is the same. It
  /// takes half a megabyte more memory and, where entries are smaller than 128 KiB, less time; the thread is
  /// gone when a call returns.
  [[nodiscard]] WalReader reading_ahead(bool ahead = true) const {
    WalReader changed = *this;
    changed.reader_ = reader_.reading_ahead(ahead);
    return changed;
  }

  /// All entries at once.
  Result<std::vector<WalRecord<E>>> replay(ReadMode mode) const {
    std::vector<WalRecord<E>> records;
    DURABILITY_TRY(reader_.for_each(mode, range_, [&](const WalEntryView& view) -> Result<Flow> {
      DURABILITY_TRY_ASSIGN(E entry, (walog::decode_entry<E, Codec>(view)));
      records.push_back({.id = view.id, .entry = std::move(entry)});
      return Flow::kContinue;
    }));
    return records;
  }

  /// `fn(EntryId, const E&)` for each entry. One E is decoded into again and again: where the codec can
  /// use its memory, nothing is allocated per entry.
  template <class Fn>
  Result<WalReadReport> for_each(ReadMode mode, Fn&& fn) const {
    E entry{};
    return reader_.for_each(mode, range_, [&](const WalEntryView& view) -> Result<Flow> {
      if (auto decoded = decode_into<Codec>(view.payload, entry); !decoded) {
        return walog::at_entry(view, std::move(decoded).error());
      }
      return internal::flow_of([&] { return std::invoke(fn, view.id, std::as_const(entry)); });
    });
  }

  /// `fn(const WalEntryView&)` for each entry, undecoded; the view lives until `fn` returns.
  template <class Fn>
  Result<WalReadReport> for_each_bytes(ReadMode mode, Fn&& fn) const {
    return reader_.for_each(mode, range_, [&](const WalEntryView& view) -> Result<Flow> {
      return internal::flow_of([&] { return std::invoke(fn, view); });
    });
  }

  /// Reads and checks everything, to learn whether the log is sound rather than what is in it.
  /// The report, every error, and the entries that were read before it are those of for_each_bytes;
  /// `fn(const WalEntryRun&)` gets the entries in order, on this thread, each in one run, of one or of many.
  ///
  /// Sealed segments are read by up to `threads` threads at once (0: as many as the machine has, 8 at most),
  /// each with a buffer of 256 KiB or the largest single entry; they are gone when the call returns. One
  /// thread, a log of fewer than three segments or a range is read as for_each_bytes reads it. Wherever a
  /// thread finds anything wrong the segment is read again in order, and that reading decides: an error
  /// of the disk that comes once and not again may go unreported.
  template <class Fn>
  Result<WalReadReport> verify(ReadMode mode, Fn&& fn, std::size_t threads = 0) const {
    return reader_.verify(mode, range_, [&](const WalEntryRun& run) { std::invoke(fn, run); }, threads);
  }

  /// How many entries there are; nothing is decoded.
  Result<std::uint64_t> count(ReadMode mode) const {
    std::uint64_t entries = 0;
    DURABILITY_TRY(for_each_bytes(mode, [&](const WalEntryView&) { ++entries; }));
    return entries;
  }

 private:
  walog::ByteReader reader_;
  walog::EntryRange range_;
};

}  // namespace durability
