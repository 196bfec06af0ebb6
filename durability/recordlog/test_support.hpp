#pragma once

// What the tests of this module share: files built record by record, and what a reader makes of them.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "durability/recordlog/byte_reader.hpp"
#include "durability/recordlog/byte_writer.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace durability::recordlog::test {

using durability::testing::CrashDirectory;
using durability::testing::FaultyDirectory;
using durability::testing::Operation;

inline constexpr const char* kPath = "d/records.log";
inline constexpr RecordLogFormat kFormats[] = {RecordLogFormat::kV1, RecordLogFormat::kV2};

/// A file built record by record, as a writer would build it, or as none would.
class FileImage {
 public:
  explicit FileImage(RecordLogFormat format) : format_(format) {
    const auto header = encode_header(format);
    bytes.assign(header.begin(), header.end());
  }
  FileImage& record(std::string_view payload) {
    offsets_.push_back(bytes.size());
    const auto head = encode_head(format_, as_bytes(payload));
    return raw(head).raw(as_bytes(payload));
  }
  FileImage& raw(ByteView some) {
    bytes.insert(bytes.end(), some.begin(), some.end());
    return *this;
  }
  FileImage& zeros(std::size_t count) { return raw(Bytes(count)); }
  FileImage& cut(std::size_t size) {
    bytes.resize(size);
    return *this;
  }
  FileImage& flip(std::size_t offset, unsigned bit = 0) {
    bytes.at(offset) ^= static_cast<std::byte>(1U << bit);
    return *this;
  }
  /// A record that claims a length, and holds what is given.
  FileImage& claim(std::uint32_t length, std::string_view payload = "") {
    offsets_.push_back(bytes.size());
    Bytes head(kRecordHeadBytes, std::byte{0x5a});
    store_le(head, 0, length);
    return raw(head).raw(as_bytes(payload));
  }
  /// Where the record of that index begins.
  [[nodiscard]] std::size_t at(std::size_t index) const { return offsets_.at(index); }

  Bytes bytes;

 private:
  RecordLogFormat format_;
  std::vector<std::size_t> offsets_;
};

inline void put(Directory& directory, ByteView bytes, std::string_view path = kPath) {
  const auto file = directory.create(path);
  ASSERT_TRUE(file) << file.error();
  ASSERT_TRUE((*file)->write_at(0, bytes));
}

inline std::shared_ptr<CrashDirectory> directory_with(const FileImage& image) {
  auto directory = CrashDirectory::make();
  put(*directory, image.bytes);
  return directory;
}

inline Bytes contents(Directory& directory, std::string_view path = kPath) {
  return directory.read_file(path, std::uint64_t{1} << 30U).value();
}

/// `ok`, or the name of the error's code.
template <class T>
std::string outcome(const Result<T>& result) {
  return result ? "ok" : std::string(code_name(result.error().code()));
}

/// How reading ended, and the payloads that were delivered.
struct Read {
  std::string outcome;
  std::vector<std::string> records;
  bool operator==(const Read&) const = default;
};
inline void PrintTo(const Read& read, std::ostream* out) {
  *out << read.outcome << ", " << ::testing::PrintToString(read.records);
}

inline Read read(const std::shared_ptr<Directory>& directory, ReadMode mode) {
  Read seen;
  const auto report = ByteReader(directory, kPath).for_each(mode, [&](const RecordLogView& view) {
    seen.records.emplace_back(as_text(view.payload));
    EXPECT_EQ(view.number.value(), seen.records.size());
    return Result<Flow>(Flow::kContinue);
  });
  seen.outcome = outcome(report);
  if (!report) {
    EXPECT_EQ(report.error().path(), kPath);
    EXPECT_TRUE(report.error().offset());
    EXPECT_NE(report.error().advice(), "");
  }
  return seen;
}

inline Result<std::unique_ptr<ByteWriter>> open_writer(std::shared_ptr<Directory> directory,
                                                       RecordLogOptions options = {},
                                                       OpenIntent intent = OpenIntent::kOpenOrCreate) {
  return ByteWriter::open(std::move(directory), kPath, std::move(options), intent);
}

inline RecordLogOptions of_format(RecordLogFormat format) {
  RecordLogOptions options;
  options.format = format;
  return options;
}

}  // namespace durability::recordlog::test
