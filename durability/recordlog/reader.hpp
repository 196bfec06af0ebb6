#pragma once

// Reading a record log of typed records.

#include <functional>
#include <utility>
#include <vector>

#include "durability/codec/codec.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/recordlog/byte_reader.hpp"

namespace durability {

/// Reads the record log at `path`; where there is no file, it has no records. Never writes, takes no lock,
/// and is safe beside a live writer, where it sees a first part of the log (of which the last record may look
/// torn). Copyable; several readers may read at once.
///
/// Errors: `truncated` (strict: the log ends inside a record or its header), `crc_mismatch`, `format`,
/// `decode` (a record is not an E), `io`, `invalid_config` (no directory). Records before the error have been
/// delivered.
template <class E, class Codec = Postcard>
class RecordLogReader {
 public:
  RecordLogReader(std::shared_ptr<Directory> directory, std::string path)
      : reader_(std::move(directory), std::move(path)) {}

  /// All records at once.
  Result<std::vector<E>> read_all(ReadMode mode) const {
    std::vector<E> records;
    DURABILITY_TRY(reader_.for_each(mode, [&](const RecordLogView& view) -> Result<Flow> {
      auto decoded = Codec::template decode<E>(view.payload);
      if (!decoded) return recordlog::undecodable(reader_.path(), view, std::move(decoded).error());
      records.push_back(*std::move(decoded));
      return Flow::kContinue;
    }));
    return records;
  }

  /// `fn(EntryId number, const E&)` for each record. One E is decoded into again and again: where the codec
  /// can use its memory, nothing is allocated per record.
  template <class Fn>
  Result<RecordLogReadReport> for_each(ReadMode mode, Fn&& fn) const {
    return for_each_after(EntryId(0), mode, std::forward<Fn>(fn));
  }

  /// The same for records with a number above `number`; those before it are checked, and not decoded.
  template <class Fn>
  Result<RecordLogReadReport> for_each_after(EntryId number, ReadMode mode, Fn&& fn) const {
    E record{};
    return reader_.for_each(mode, [&](const RecordLogView& view) -> Result<Flow> {
      if (view.number <= number) return Flow::kContinue;
      if (auto decoded = decode_into<Codec>(view.payload, record); !decoded) {
        return recordlog::undecodable(reader_.path(), view, std::move(decoded).error());
      }
      return internal::flow_of([&] { return std::invoke(fn, view.number, std::as_const(record)); });
    });
  }

  /// `fn(const RecordLogView&)` for each record, undecoded; the view lives until `fn` returns.
  template <class Fn>
  Result<RecordLogReadReport> for_each_bytes(ReadMode mode, Fn&& fn) const {
    return reader_.for_each(mode, [&](const RecordLogView& view) -> Result<Flow> {
      return internal::flow_of([&] { return std::invoke(fn, view); });
    });
  }

  /// The version of the file, whatever follows its header; none where there is no file, or no whole header of
  /// a record log.
  Result<std::optional<RecordLogFormat>> format() const { return reader_.format(); }

  /// How many records there are; nothing is decoded.
  Result<std::uint64_t> count(ReadMode mode) const {
    DURABILITY_TRY_ASSIGN(const RecordLogReadReport report,
                          for_each_bytes(mode, [](const RecordLogView&) {}));
    return report.records;
  }

 private:
  recordlog::ByteReader reader_;
};

}  // namespace durability
