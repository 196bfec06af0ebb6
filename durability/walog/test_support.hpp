#pragma once

// What the tests of this module share: segments built frame by frame, logs said in words, and a count of
// allocations.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "durability/base/crc32.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/byte_reader.hpp"
#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog::test {

using durability::testing::CrashDirectory;
using durability::testing::FaultyDirectory;
using durability::testing::ManualClock;
using durability::testing::ManualWorker;
using durability::testing::Operation;
using durability::testing::OperationRecord;
using durability::testing::Repeat;
using durability::testing::SeededRandom;

/// first, first + 1, … first + 15.
inline LogId log_id_from(unsigned first) {
  LogId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id.at(i) = static_cast<std::byte>(first + i);
  return id;
}

/// A segment built frame by frame, as a writer would build it, or as none would.
class SegmentImage {
 public:
  explicit SegmentImage(std::uint64_t segment, std::uint64_t start = 1, LogId log = log_id_from(0))
      : SegmentImage(SegmentHeader{.log_id = log,
                                   .segment_id = SegmentId(segment),
                                   .start = EntryId(start),
                                   .created_at = 1'700'000'000'000'000'000}) {}
  explicit SegmentImage(const SegmentHeader& header)
      : header_(header), next_(header.start.value()), durable_(next_ - 1) {
    const auto encoded = v4::encode_header(header);
    bytes.assign(encoded.begin(), encoded.end());
  }

  /// What the frames from here on know to be durable.
  SegmentImage& durable(std::uint64_t id) {
    durable_ = id;
    return *this;
  }
  SegmentImage& entry(std::string_view payload, bool more = false) {
    const EntryId id(next_++);
    return frame({.id = id, .lag = v4::lag_of(id, EntryId(durable_)), .more = more}, as_bytes(payload));
  }
  /// An entry of an atomic batch that goes on.
  SegmentImage& part(std::string_view payload) { return entry(payload, true); }
  SegmentImage& mark() {
    const EntryId last(next_ - 1);
    return frame({.id = last, .lag = v4::lag_of(last, EntryId(durable_)), .kind = v4::FrameKind::kMark}, {});
  }
  SegmentImage& seal() {
    const EntryId last(next_ - 1);
    const auto payload = v4::encode_seal(tally_.total());
    return frame({.id = last, .lag = v4::lag_of(last, EntryId(durable_)), .kind = v4::FrameKind::kSeal},
                 payload);
  }
  /// Any frame; its checksum is right.
  SegmentImage& frame(const v4::FrameFields& fields, ByteView payload) {
    offsets_.push_back(bytes.size());
    tally_.add(fields.kind, v4::append_frame(bytes, fields, payload, seed()));
    return *this;
  }
  /// A frame with any head fields; its checksum is right.
  SegmentImage& raw_frame(std::uint64_t id, std::uint32_t lag, std::uint32_t flags, ByteView payload) {
    frame({.id = EntryId(id)}, payload);
    const auto made = MutableByteView(bytes).subspan(offsets_.back(), v4::kFrameHeadBytes + payload.size());
    store_le(made, 16, lag);
    store_le(made, 20, flags);
    store_le(made, 0, crc32(made.subspan(4), seed()));
    return *this;
  }
  SegmentImage& raw(ByteView some) {
    bytes.insert(bytes.end(), some.begin(), some.end());
    return *this;
  }
  SegmentImage& zeros(std::size_t count) { return raw(Bytes(count)); }
  SegmentImage& flip(std::size_t offset, unsigned bit = 0) {
    bytes.at(offset) ^= static_cast<std::byte>(1U << bit);
    return *this;
  }

  [[nodiscard]] const SegmentHeader& header() const { return header_; }
  [[nodiscard]] std::uint32_t seed() const { return v4::crc_seed(header_.log_id, header_.segment_id); }
  /// Where the frame of that index begins.
  [[nodiscard]] std::size_t at(std::size_t index) const { return offsets_.at(index); }

  Bytes bytes;

 private:
  SegmentHeader header_;
  std::uint64_t next_;
  std::uint64_t durable_;
  v4::SealTallyBuilder tally_;
  std::vector<std::size_t> offsets_;
};

inline void put(Directory& directory, std::uint64_t segment, ByteView bytes) {
  const auto file = directory.create(segment_path(SegmentId(segment)));
  ASSERT_TRUE(file) << file.error();
  ASSERT_TRUE((*file)->write_at(0, bytes));
  if (directory.capabilities().stable_storage) {
    ASSERT_TRUE((*file)->sync_data());
    ASSERT_TRUE(directory.sync_directory(kWalDirectory));
  }
}
inline void put(Directory& directory, std::uint64_t segment, const SegmentImage& image) {
  put(directory, segment, image.bytes);
}

inline Bytes segment_bytes(Directory& directory, std::uint64_t segment) {
  return directory.read_file(segment_path(SegmentId(segment)), 1U << 30U).value();
}

/// Names and contents of everything under `wal/` but the lock.
inline std::map<std::string, std::string> snapshot(Directory& directory) {
  std::map<std::string, std::string> files;
  const auto names = directory.list(kWalDirectory).value();
  for (const auto& name : names) {
    if (name == ".lock") continue;
    const auto bytes = directory.read_file("wal/" + name, 1U << 30U).value();
    files[name] = std::string(as_text(bytes));
  }
  return files;
}

/// Small segments, a worker that runs when it must, a clock that stands, and one log id.
inline WalOptions test_options() {
  WalOptions options;
  options.segment_bytes = 256;
  options.worker = std::make_shared<ManualWorker>();
  options.clock = std::make_shared<ManualClock>();
  options.random = std::make_shared<SeededRandom>(1);
  return options;
}

/// Where segments are to be filled without a rotation in between.
inline WalOptions one_segment() {
  WalOptions options = test_options();
  options.segment_bytes = 1U << 20U;
  options.preallocate_bytes = 0;
  return options;
}

inline Result<std::unique_ptr<ByteWriter>> open_writer(std::shared_ptr<Directory> directory,
                                                       WalOptions options = test_options(),
                                                       OpenIntent intent = OpenIntent::kOpenOrCreate) {
  return ByteWriter::open(std::move(directory), std::move(options), intent);
}

/// What reading yields, in words: "a b c: ok", "a b: torn_tail".
inline std::string read(const std::shared_ptr<Directory>& directory, ReadMode mode,
                        const EntryRange& range = {}) {
  std::string words;
  EntryId last(0);
  const auto report = ByteReader(directory).for_each(mode, range, [&](const WalEntryView& view) {
    EXPECT_TRUE(last.value() == 0 || view.id.value() == last.value() + 1) << view.id << " after " << last;
    last = view.id;
    if (!words.empty()) words += ' ';
    words += as_text(view.payload);
    return Result<Flow>(Flow::kContinue);
  });
  return words + ": " + std::string(report ? "ok" : code_name(report.error().code()));
}
inline std::string read_strict(const std::shared_ptr<Directory>& directory) {
  return read(directory, ReadMode::kStrict);
}

/// Everything that a reading delivers and reports, in words.
inline std::string read_fully(const ByteReader& reader, ReadMode mode) {
  std::string words;
  const auto report = reader.for_each(mode, {}, [&](const WalEntryView& view) {
    words += fmt::format("{} at {}:{} {}\n", view.id, view.segment, view.offset, as_text(view.payload));
    return Result<Flow>(Flow::kContinue);
  });
  if (!report) return words + report.error().to_string();
  return words + fmt::format("{} to {}, {} segments, {} bytes, torn: {}", report->first, report->next,
                             report->segments, report->bytes, report->torn_tail);
}

/// Counts the bytes that are read through it, and may have places that cannot be read.
class CountingDirectory final : public Directory {
 public:
  explicit CountingDirectory(std::shared_ptr<Directory> inner) : inner_(std::move(inner)) {}

  struct CountingFile final : File {
    CountingFile(std::unique_ptr<File> file, std::string_view name, CountingDirectory& from)
        : inner(std::move(file)), path(name), directory(from) {}
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
      return inner->write_at(offset, pieces);
    }
    Status append(ByteView view) override { return inner->append(view); }
    Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
      for (const Unreadable& place : directory.unreadable) {
        if (place.path != path || place.offset >= offset + into.size()) continue;
        if (place.offset + place.bytes <= offset) continue;
        return Error::from_errno(EIO, "read").in_file(path).at_offset(std::max(offset, place.offset));
      }
      auto got = inner->read_at(offset, into);
      if (got) directory.bytes_read += *got;
      return got;
    }
    Status sync_data() override { return inner->sync_data(); }
    Result<std::uint64_t> size() override { return inner->size(); }
    Result<std::uint64_t> links() override { return inner->links(); }
    void now_called(std::string name) noexcept override { inner->now_called(std::move(name)); }
    Status truncate(std::uint64_t size) override { return inner->truncate(size); }
    Status preallocate(std::uint64_t offset, std::uint64_t length) override {
      return inner->preallocate(offset, length);
    }
    Status drop_cached_pages() override { return inner->drop_cached_pages(); }
    Status close() override { return inner->close(); }
    std::unique_ptr<File> inner;
    std::string path;
    CountingDirectory& directory;
  };

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override {
    DURABILITY_TRY_ASSIGN(auto file, inner_->do_open(path, mode));
    return std::make_unique<CountingFile>(std::move(file), path, *this);
  }
  Result<EntryKind> do_kind(std::string_view path) override { return inner_->do_kind(path); }
  Result<bool> do_make_directory(std::string_view path) override { return inner_->do_make_directory(path); }
  Status do_remove_file(std::string_view path) override { return inner_->do_remove_file(path); }
  Status do_remove_empty_directory(std::string_view path) override {
    return inner_->do_remove_empty_directory(path);
  }
  Status do_rename(std::string_view from, std::string_view to) override {
    return inner_->do_rename(from, to);
  }
  Result<std::vector<std::string>> do_list(std::string_view path) override { return inner_->do_list(path); }
  Status do_sync_directory(std::string_view path) override { return inner_->do_sync_directory(path); }
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    return inner_->do_lock(path);
  }
  std::uint64_t do_random() override { return inner_->do_random(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::uint64_t identity() const noexcept override { return inner_->identity(); }
  std::optional<std::string> file_path(std::string_view path) const override {
    return inner_->file_path(path);
  }

  struct Unreadable {
    std::string path;
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  std::uint64_t bytes_read = 0;
  std::vector<Unreadable> unreadable;

 private:
  std::shared_ptr<Directory> inner_;
};

template <class T>
std::string outcome(const Result<T>& result) {
  return result ? "ok" : std::string(code_name(result.error().code()));
}

template <class T>
[[nodiscard]] ::testing::AssertionResult fails_with(const Result<T>& result, ErrorCode code) {
  if (result) return ::testing::AssertionFailure() << "succeeded";
  if (result.error().code() == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error();
}
template <class T>
[[nodiscard]] ::testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error();
}

/// Counts what this thread allocates while it lives; may let one allocation fail. The operators new that
/// it watches are in allocation_test.cpp.
class AllocationWatch {
 public:
  AllocationWatch() noexcept;
  ~AllocationWatch();
  AllocationWatch(const AllocationWatch&) = delete;
  AllocationWatch& operator=(const AllocationWatch&) = delete;

  /// The allocation after `successes` more of them throws bad_alloc.
  static void fail_after(std::uint64_t successes) noexcept;
  static void fail_none() noexcept;

  [[nodiscard]] static std::uint64_t count() noexcept;
  /// The most bytes that were held at once, beyond those that were held when the watch began.
  [[nodiscard]] static std::uint64_t peak_bytes() noexcept;
};

}  // namespace durability::walog::test
