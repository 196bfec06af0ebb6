#pragma once

// The reader's core: entries are bytes. WalReader<E> (reader.hpp) puts types on top.

#include <limits>
#include <memory>

#include "durability/storage/directory.hpp"
#include "durability/storage/file_window.hpp"
#include "durability/walog/entry_view.hpp"
#include "durability/walog/read/verdict.hpp"

namespace durability {

/// What a reading saw.
struct WalReadReport {
  EntryId first{1};            ///< the first id the log holds, or will hold
  EntryId next{1};             ///< the id after the last entry that was read
  std::uint64_t segments = 0;  ///< with a header; spares not counted
  std::uint64_t bytes = 0;     ///< of the files of all segments that were read, spares not counted
  bool torn_tail = false;      ///< best effort left out an unacknowledged tail
};

namespace walog {

class LastReading;
struct ScanOptions;

/// Which entries are asked for; both ends belong to it.
struct EntryRange {
  EntryId from{0};  ///< 0: from wherever the log begins
  EntryId up_to{std::numeric_limits<std::uint64_t>::max()};
};

/// Reads a log from its files, without taking the lock, writing or creating anything; safe beside a live
/// writer, where it sees a prefix. Memory: one buffer of `buffer_bytes`, or the largest single entry, and
/// twice as much again for reading ahead; one more for each thread that verifies.
class ByteReader {
 public:
  explicit ByteReader(std::shared_ptr<Directory> directory,
                      std::size_t buffer_bytes = FileWindow::kDefaultBytes);

  /// A reader that has a second thread read what comes next while `sink` has what came before. The thread
  /// ends before for_each returns.
  [[nodiscard]] ByteReader reading_ahead(bool ahead = true) const {
    ByteReader changed = *this;
    changed.ahead_ = ahead;
    return changed;
  }

  /// Entries reach `sink` in order, each once, also those before an error. Where `range.from` lies
  /// before the log's first entry: `truncated_away`, naming the range that is missing.
  ///
  /// Where `range.from` lies past everything that this reader, or a copy of it, has read before, it goes on
  /// there: a caller that asks again and again pays for what is new, and where nothing is, for a few system
  /// calls.
  Result<WalReadReport> for_each(ReadMode mode, const EntryRange& range, const EntrySink& sink) const;

  /// for_each for who only counts: WalReader::verify says how.
  Result<WalReadReport> verify(ReadMode mode, const EntryRange& range, const RunSink& sink,
                               std::size_t threads = 0) const;

 private:
  Result<WalReadReport> read(const ScanOptions& options, const EntrySink& sink) const;
  [[nodiscard]] ScanOptions options_for(ReadMode mode, const EntryRange& range) const;

  std::shared_ptr<Directory> directory_;
  std::size_t buffer_bytes_;
  std::shared_ptr<LastReading> last_;
  bool ahead_ = false;
};

}  // namespace walog
}  // namespace durability
