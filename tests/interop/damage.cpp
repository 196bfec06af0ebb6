// What disks, crashes and people do to a log's files.

#include <fmt/format.h>

#include <algorithm>

#include "history.hpp"

namespace durability::interop {
namespace {

namespace fs = std::filesystem;
using testing::SeededRandom;

constexpr std::size_t kSegmentHeaderBytes = 24;

std::vector<fs::path> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& segment : segments_of(directory)) files.push_back(segment.path);
  return files;
}

std::string edit(const fs::path& file, Bytes contents, std::string_view what) {
  replace(file, contents);
  return fmt::format("{} {}", file.filename().string(), what);
}

std::string cut(const fs::path& file, SeededRandom& random) {
  Bytes contents = contents_of(file);
  const bool near_the_header = random.one_in(4);
  contents.resize(
      random.below(near_the_header ? std::min<std::size_t>(contents.size() + 1, 45) : contents.size() + 1));
  const auto size = contents.size();
  return edit(file, std::move(contents), fmt::format("cut to {} bytes", size));
}

std::string flip(const fs::path& file, SeededRandom& random) {
  Bytes contents = contents_of(file);
  if (contents.empty()) return "nothing to flip";
  const std::size_t at =
      random.below(random.one_in(4) ? std::min<std::size_t>(contents.size(), 44) : contents.size());
  contents[at] ^= static_cast<std::byte>(1U << random.below(8));
  return edit(file, std::move(contents), fmt::format("with a bit flipped at {}", at));
}

std::string overwrite(const fs::path& file, SeededRandom& random, bool with_zeros) {
  Bytes contents = contents_of(file);
  if (contents.empty()) return "nothing to overwrite";
  const std::size_t at = random.one_in(8) ? 0 : random.below(contents.size());
  const std::size_t end = with_zeros ? contents.size() : std::min(contents.size(), at + 1 + random.below(40));
  const Bytes garbage = random.bytes(end - at);
  for (std::size_t i = at; i < end; ++i) contents[i] = with_zeros ? std::byte{0} : garbage[i - at];
  return edit(file, std::move(contents),
              fmt::format("{} from {} to {}", with_zeros ? "zero" : "garbage", at, end));
}

std::string lengthen(const fs::path& file, std::size_t header_bytes, SeededRandom& random) {
  Bytes contents = contents_of(file);
  const Bytes before = contents;
  const Bytes tail = random.one_in(2) ? random.bytes(1 + random.below(60)) : Bytes(1 + random.below(40));
  contents.insert(contents.end(), tail.begin(), tail.end());
  const bool old_frames = random.one_in(3) && before.size() > header_bytes;
  if (old_frames)
    contents.insert(contents.end(), before.begin() + static_cast<std::ptrdiff_t>(header_bytes), before.end());
  return edit(file, std::move(contents),
              fmt::format("and {} bytes{}", tail.size(), old_frames ? " and itself again" : ""));
}

std::string drop(const std::vector<fs::path>& files, SeededRandom& random) {
  const fs::path& file = files.at(random.below(files.size()));
  fs::remove(file);
  return file.filename().string() + " gone";
}

std::string swap(const std::vector<fs::path>& files, SeededRandom& random) {
  const fs::path& left = files.at(random.below(files.size()));
  const fs::path& right = files.at(random.below(files.size()));
  const Bytes contents = contents_of(left);
  replace(left, contents_of(right));
  replace(right, contents);
  return fmt::format("{} and {} swapped", left.filename().string(), right.filename().string());
}

// A further segment that holds nothing but a header, or not even that.
std::string begin_another(const fs::path& directory, SeededRandom& random) {
  const SegmentFile last = segments_of(directory).back();
  if (last.used == 0) return "nothing after a segment without a header";
  Bytes header(last.contents.begin(), last.contents.begin() + 24);
  const std::uint64_t start =
      last.start + last.entries + (random.one_in(2) ? 0 : random.below(5)) - (random.one_in(6) ? 1 : 0);
  store_le(header, 4, std::uint32_t{random.one_in(2) ? 2U : 3U});
  store_le(header, 8, start);
  store_le(header, 16, last.id + 1);
  if (random.one_in(4)) header.resize(random.below(24));
  if (random.one_in(4)) header.assign(random.below(100), std::byte{0});
  if (random.one_in(3)) header.resize(header.size() + random.below(30));
  const auto path = directory / "wal" / fmt::format("wal_{}.log", last.id + 1);
  const auto size = header.size();
  return edit(path, std::move(header), fmt::format("of {} bytes after it, to start at {}", size, start));
}

std::string add_noise(const fs::path& directory, const fs::path& file, SeededRandom& random) {
  static constexpr std::array<std::string_view, 5> kNames = {"wal_01.log", "wal_+1.log", "wal_x.log",
                                                             "wal_2.log.tmp", "notes"};
  const auto name = kNames.at(random.below(kNames.size()));
  fs::copy_file(file, directory / "wal" / name, fs::copy_options::overwrite_existing);
  return fmt::format("a file called {}", name);
}

}  // namespace

std::string damage_file(const fs::path& file, std::size_t header_bytes, SeededRandom& random) {
  switch (random.below(5)) {
    case 0: return cut(file, random);
    case 1: return flip(file, random);
    case 2: return overwrite(file, random, true);
    case 3: return overwrite(file, random, false);
    default: return lengthen(file, header_bytes, random);
  }
}

std::string damage(const fs::path& directory, SeededRandom& random) {
  const auto files = files_of(directory);
  if (files.empty()) return "nothing to damage";
  const fs::path& any = files.at(random.below(files.size()));
  const fs::path& last = files.back();
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2: return cut(random.one_in(8) ? any : last, random);
    case 3:
    case 4: return flip(any, random);
    case 5: return overwrite(last, random, true);
    case 6: return overwrite(any, random, false);
    case 7: return lengthen(random.one_in(4) ? any : last, kSegmentHeaderBytes, random);
    case 8: return drop(files, random);
    case 9: return swap(files, random);
    case 10: return begin_another(directory, random);
    default: return add_noise(directory, any, random);
  }
}

}  // namespace durability::interop
