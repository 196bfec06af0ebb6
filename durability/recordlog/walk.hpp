#pragma once

// The one decoder of record logs: reader, writer and tool go over a file with it.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "durability/base/ids.hpp"
#include "durability/recordlog/format.hpp"
#include "durability/recordlog/verdict.hpp"
#include "durability/storage/file_window.hpp"

namespace durability {

/// One record where it lies. The payload is a view into the reader's buffer: it lives until the callback
/// that got it returns.
struct RecordLogView {
  EntryId number;            ///< 1 for the first record of the file; it is not stored
  std::uint64_t offset = 0;  ///< of the record's head in the file
  ByteView payload;
};

namespace recordlog {

/// Called for each record, in order. An error ends the walk and is handed through.
using RecordSink = std::function<Result<Flow>(const RecordLogView&)>;

struct WalkEnd {
  Finding finding = Finding::kEnd;
  std::optional<RecordLogFormat> format{};
  std::uint64_t offset = 0;   ///< of what was found: the end of the last whole record
  std::uint64_t records = 0;  ///< delivered
  std::uint64_t file_bytes = 0;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> values{};  ///< expected, actual
  bool sink_stopped = false;

  /// The error of a refusal with this code.
  [[nodiscard]] Error error(ErrorCode code, std::string_view path) const;
};

Result<WalkEnd> walk(FileWindow& window, const RecordSink& sink);

}  // namespace recordlog
}  // namespace durability
