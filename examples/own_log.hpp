#pragma once

// A small log as somebody might write it for their own program: one file, records one after the other, each
// a length, a checksum and the text; append returns when the record is durable. examples/own_log.cpp lets the
// crash explorer at it.

#include <string>
#include <string_view>
#include <vector>

#include "durability/durability.hpp"

class OwnLog {
 public:
  /// What its author thought of: whether opening cuts off the half record that a crash may have left.
  enum class Tail : std::uint8_t { kLeft, kCut };

  static durability::Result<OwnLog> open(durability::Directory& directory, Tail tail) {
    OwnLog log;
    DURABILITY_TRY_ASSIGN(log.file_, directory.open_append(kPath));
    // A killed writer may have left what is in the cache only: it must not be shown before it is durable.
    DURABILITY_TRY(log.file_->sync_data());
    DURABILITY_TRY(directory.sync_directory(""));
    DURABILITY_TRY_ASSIGN(const auto bytes, directory.read_file(kPath, kMaxBytes));
    const std::size_t whole = log.read(bytes);
    if (tail == Tail::kCut && whole < bytes.size()) {
      DURABILITY_TRY(log.file_->truncate(whole));
      DURABILITY_TRY(log.file_->sync_data());
    }
    return log;
  }

  durability::Status append(std::string_view text) {
    durability::Bytes record(kHeadBytes);
    durability::store_le(record, 0, static_cast<std::uint32_t>(text.size()));
    durability::store_le(record, 4, durability::crc32(durability::as_bytes(text)));
    record.insert(record.end(), durability::as_bytes(text).begin(), durability::as_bytes(text).end());
    DURABILITY_TRY(file_->append(record));
    DURABILITY_TRY(file_->sync_data());
    records_.emplace_back(text);
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& records() const { return records_; }

 private:
  static constexpr std::string_view kPath = "own.log";
  static constexpr std::uint64_t kMaxBytes = 1U << 20U;
  static constexpr std::size_t kHeadBytes = 8;

  /// Takes the whole records at the front; returns where they end.
  std::size_t read(durability::ByteView bytes) {
    std::size_t at = 0;
    while (bytes.size() - at >= kHeadBytes) {
      const auto length = durability::load_le<std::uint32_t>(bytes, at);
      if (length == 0 || length > bytes.size() - at - kHeadBytes) break;
      const auto text = bytes.subspan(at + kHeadBytes, length);
      if (durability::crc32(text) != durability::load_le<std::uint32_t>(bytes, at + 4)) break;
      records_.emplace_back(durability::as_text(text));
      at += kHeadBytes + length;
    }
    return at;
  }

  std::unique_ptr<durability::File> file_;
  std::vector<std::string> records_;
};
