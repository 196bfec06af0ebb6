#include "log_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "durability/testing/crash_directory.hpp"

namespace durability::interop {
namespace fs = std::filesystem;

Scratch::Scratch() {
  const fs::path memory = "/dev/shm";
  const fs::path parent = access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  std::string name = (parent / "durability-interop-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  root_ = name;
}

Scratch::~Scratch() { fs::remove_all(root_); }

fs::path Scratch::fresh() {
  auto path = root_ / fmt::format("{}", ++made_);
  fs::create_directory(path);
  return path;
}

Bytes contents_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

void replace(const fs::path& file, ByteView contents) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
}

namespace {

constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kFrameHeadBytes = 16;

void read(SegmentFile& segment) {
  segment.version = load_le<std::uint32_t>(segment.contents, 4);
  segment.start = load_le<std::uint64_t>(segment.contents, 8);
  segment.used = kHeaderBytes;
  while (segment.used + kFrameHeadBytes <= segment.contents.size()) {
    const auto length = load_le<std::uint32_t>(segment.contents, segment.used);
    if (length < kFrameHeadBytes || length > segment.contents.size() - segment.used) break;
    segment.used += length;
    ++segment.entries;
  }
}

}  // namespace

std::vector<SegmentFile> segments_of(const fs::path& directory) {
  std::vector<SegmentFile> segments;
  if (!fs::exists(directory / "wal")) return segments;
  for (const auto& entry : fs::directory_iterator(directory / "wal")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("wal_") || !name.ends_with(".log") || name.find_first_of("+x") != std::string::npos)
      continue;
    SegmentFile segment{.path = entry.path(), .contents = contents_of(entry.path())};
    segment.id = std::stoull(name.substr(4));
    if (segment.contents.size() >= kHeaderBytes) read(segment);
    segments.push_back(std::move(segment));
  }
  std::ranges::sort(segments, {}, &SegmentFile::id);
  return segments;
}

void copy_log(const fs::path& from, const fs::path& to) {
  fs::create_directories(to / "wal");
  if (fs::exists(from / "wal")) fs::copy(from / "wal", to / "wal", fs::copy_options::recursive);
}

std::shared_ptr<Directory> in_memory(const fs::path& directory) {
  const std::shared_ptr<Directory> copy = testing::CrashDirectory::make();
  if (!fs::exists(directory / "wal")) return copy;
  for (const auto& entry : fs::directory_iterator(directory / "wal")) {
    const auto file = copy->create("wal/" + entry.path().filename().string()).value();
    file->write_at(0, contents_of(entry.path())).value();
  }
  return copy;
}

}  // namespace durability::interop
