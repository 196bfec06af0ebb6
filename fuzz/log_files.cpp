#include "log_files.hpp"

#include <algorithm>
#include <limits>

#include "require.hpp"

namespace durability::fuzz {
namespace {

constexpr std::size_t kHeadBytes = 3;
constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint16_t>::max();

std::string name_of(std::uint8_t name) {
  switch (name) {
    case 250: return "wal_01.log";
    case 251: return "wal_+1.log";
    case 252: return "wal_x.log";
    case 253: return "wal_2.log.0123456789abcdef.tmp";
    case 254: return "wal_18446744073709551615.log";
    case 255: return "wal_18446744073709551616.log";
    default: return fmt::format("wal_{}.log", name);
  }
}

void add_files(Snapshot& files, Directory& directory, const std::string& path) {
  const auto names = directory.list(path);
  require_ok(names, "listing");
  for (const std::string& name : *names) {
    if (name.ends_with(".lock")) continue;
    const std::string below = path.empty() ? name : fmt::format("{}/{}", path, name);
    const auto kind = directory.do_kind(below);
    require_ok(kind, "what a name is");
    if (*kind == EntryKind::kDirectory) {
      add_files(files, directory, below);
      continue;
    }
    const auto bytes = directory.read_file(below, std::uint64_t{1} << 30U);
    require_ok(bytes, "reading a file");
    files[below] = as_text(*bytes);
  }
}

}  // namespace

std::vector<LogFile> log_files(ByteView input) {
  std::vector<LogFile> files;
  for (std::size_t at = 0; input.size() - at >= kHeadBytes;) {
    LogFile file{.begin = at + kHeadBytes, .name = std::to_integer<std::uint8_t>(input[at])};
    file.size = std::min<std::size_t>(load_le<std::uint16_t>(input, at + 1), input.size() - file.begin);
    at = file.begin + file.size;
    files.push_back(file);
  }
  return files;
}

void unpack(Directory& directory, ByteView input) {
  for (const LogFile& file : log_files(input)) {
    auto made = directory.create("wal/" + name_of(file.name));
    require_ok(made, "making a file");
    require_ok((*made)->write_at(0, input.subspan(file.begin, file.size)), "writing a file");
  }
}

void pack(Bytes& input, std::uint64_t segment, ByteView contents) {
  const auto size = static_cast<std::uint16_t>(std::min<std::uint64_t>(contents.size(), kMostBytes));
  const std::size_t at = input.size();
  input.resize(at + kHeadBytes);
  input[at] = static_cast<std::byte>(segment);
  store_le(MutableByteView(input), at + 1, size);
  input.insert(input.end(), contents.begin(), contents.begin() + size);
}

Snapshot snapshot(Directory& directory, const std::string& path) {
  Snapshot files;
  add_files(files, directory, path);
  return files;
}

std::uint64_t total_bytes(const Snapshot& files) {
  std::uint64_t bytes = 0;
  for (const auto& [name, contents] : files) bytes += contents.size();
  return bytes;
}

}  // namespace durability::fuzz
