#include "durability/recordlog/walk.hpp"

namespace durability::recordlog {
namespace {

class Walk {
 public:
  Walk(FileWindow& window, const RecordSink& sink) : window_(window), sink_(sink) {}

  Result<WalkEnd> run() {
    DURABILITY_TRY(read_file());
    end_.file_bytes = window_.size();
    return end_;
  }

 private:
  Status read_file() {
    DURABILITY_TRY_ASSIGN(const ByteView front, window_.view(0, kHeaderBytes));
    RecordLogFormat format{};
    switch (read_header(front, format)) {
      case HeaderState::kCut: return found(Finding::kCutHeader, front.size(), {{kHeaderBytes, front.size()}});
      case HeaderState::kBadMagic: return found(Finding::kBadMagic, 0);
      case HeaderState::kBadVersion:
        return found(Finding::kBadVersion, kVersionOffset,
                     {{2, load_le<std::uint32_t>(front, kVersionOffset)}});
      case HeaderState::kWhole: break;
    }
    end_.format = format;
    end_.offset = kHeaderBytes;
    while (true) {
      DURABILITY_TRY_ASSIGN(const bool more, read_one(format));
      if (!more) return {};
    }
  }

  Result<bool> read_one(RecordLogFormat format) {
    DURABILITY_TRY_ASSIGN(const ByteView head_bytes, window_.view(end_.offset, kRecordHeadBytes));
    const std::uint64_t remaining = window_.size() > end_.offset ? window_.size() - end_.offset : 0;
    const RecordHead head = read_head(head_bytes, remaining);
    if (head.state != RecordState::kWhole) return stop_at(head, remaining);

    const std::size_t length = kRecordHeadBytes + head.payload_bytes;
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window_.view(end_.offset, length));
    if (bytes.size() < length) return stop_at({.state = RecordState::kCut}, bytes.size());
    Record record;
    if (read_record(bytes, format, record) != RecordState::kWhole) return mismatch(record);

    ++end_.records;
    const RecordLogView view{
        .number = EntryId(end_.records), .offset = end_.offset, .payload = record.payload};
    DURABILITY_TRY_ASSIGN(const Flow flow, sink_(view));
    end_.offset += length;
    end_.sink_stopped = flow == Flow::kStop;
    return flow == Flow::kContinue;
  }

  Result<bool> stop_at(const RecordHead& head, std::uint64_t remaining) {
    if (head.state == RecordState::kCut) {
      DURABILITY_TRY(found(Finding::kCutRecord, end_.offset,
                           {{kRecordHeadBytes + std::uint64_t{head.payload_bytes}, remaining}}));
    } else if (head.state == RecordState::kOverCap) {
      DURABILITY_TRY(found(Finding::kOverCap, end_.offset, {{kMaxPayloadBytes, head.payload_bytes}}));
    }
    return false;
  }

  Result<bool> mismatch(const Record& record) {
    const auto stored = record.stored_crc;
    const auto actual = record.actual_crc;
    const bool zero_head = stored == 0 && record.payload.empty();
    DURABILITY_TRY_ASSIGN(const bool zeros, zero_head ? window_.zeros_from(end_.offset) : false);
    if (zeros) {
      DURABILITY_TRY(found(Finding::kZeros, end_.offset));
    } else {
      DURABILITY_TRY(found(Finding::kCrcMismatch, end_.offset, {{stored, actual}}));
    }
    return false;
  }

  Status found(Finding finding, std::uint64_t offset,
               std::optional<std::pair<std::uint64_t, std::uint64_t>> values = {}) {
    end_.finding = finding;
    end_.offset = offset;
    end_.values = values;
    return {};
  }

  FileWindow& window_;
  const RecordSink& sink_;
  WalkEnd end_;
};

}  // namespace

Error WalkEnd::error(ErrorCode code, std::string_view path) const {
  Error error(code, std::string(describe(finding)));
  error.in_file(path).at_offset(offset).advise(std::string(advice_for(finding)));
  if (values) error.with_values(values->first, values->second);
  return error;
}

Result<WalkEnd> walk(FileWindow& window, const RecordSink& sink) { return Walk(window, sink).run(); }

}  // namespace durability::recordlog
