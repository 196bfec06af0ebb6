#pragma once

// A log's directory as one input: its files one after the other, each
//
//   0 name u8 | 1 length u16 | 3 contents
//
// The name is the number of a segment, wal_<n>.log; some high ones stand for names that are noise. A length
// beyond the input's end is cut to it. Of two files with one name the later one counts.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "durability/durability.hpp"

namespace durability::fuzz {

struct LogFile {
  std::size_t begin = 0;  ///< of its contents, in the input
  std::size_t size = 0;
  std::uint8_t name = 0;
};

/// Where the files lie in an input.
[[nodiscard]] std::vector<LogFile> log_files(ByteView input);
/// Puts them into `wal/`.
void unpack(Directory& directory, ByteView input);
/// Appends a file to an input; of one that is too long, its front.
void pack(Bytes& input, std::uint64_t segment, ByteView contents);

/// Names and contents of all below `path`, but for lock files.
using Snapshot = std::map<std::string, std::string>;
[[nodiscard]] Snapshot snapshot(Directory& directory, const std::string& path = "wal");
[[nodiscard]] std::uint64_t total_bytes(const Snapshot& files);

}  // namespace durability::fuzz
