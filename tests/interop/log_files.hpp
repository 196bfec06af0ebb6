#pragma once

// A log's files as the file system holds them, taken apart without the library: what a test counts, compares
// byte by byte, copies and damages.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "durability/durability.hpp"

namespace durability::interop {

/// A folder of its own for one test, in memory where the machine has such a file system; deleted at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  /// An empty folder that no call returned before.
  std::filesystem::path fresh();

 private:
  std::filesystem::path root_;
  int made_ = 0;
};

Bytes contents_of(const std::filesystem::path& file);
void replace(const std::filesystem::path& file, ByteView contents);

/// A segment of version 2 or 3. Of a damaged one, what there is before the damage.
struct SegmentFile {
  std::filesystem::path path;
  std::uint64_t id = 0;
  std::uint32_t version = 0;
  std::uint64_t start = 0;
  std::uint64_t entries = 0;
  Bytes contents;
  std::size_t used = 0;  ///< bytes up to the end of its last frame; padding follows

  [[nodiscard]] bool padded() const { return used < contents.size(); }
};

/// The segments below `wal/`, in order.
std::vector<SegmentFile> segments_of(const std::filesystem::path& directory);

void copy_log(const std::filesystem::path& from, const std::filesystem::path& to);
/// A copy of the log in memory.
std::shared_ptr<Directory> in_memory(const std::filesystem::path& directory);

}  // namespace durability::interop
