#include "durability/storage/fs_lock_holder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#if defined(__linux__)
#include <sys/sysmacros.h>
#endif

namespace durability::internal {
namespace {

#if defined(__linux__)

/// A line `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`, apart.
struct Line {
  std::string_view kind;
  long pid = 0;
  std::string_view device;
  std::string_view inode;
};

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

Line parse(std::string_view text) {
  Line line;
  next_word(text);
  line.kind = next_word(text);  // `->` of one that waits
  next_word(text);
  next_word(text);
  const std::string_view pid = next_word(text);
  std::from_chars(pid.data(), pid.data() + pid.size(), line.pid);
  const std::string_view place = next_word(text);
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return line;
  line.device = place.substr(0, colon);
  line.inode = place.substr(colon + 1);
  return line;
}

#endif

}  // namespace

#if defined(__linux__)

std::optional<long> holder_in_listing(std::string_view listing, const FileStatus& file) {
  const std::string inode = std::to_string(file.st_ino);
  const std::string device = fmt::format("{:02x}:{:02x}", major(file.st_dev), minor(file.st_dev));
  std::optional<long> elsewhere;
  int others = 0;
  while (!listing.empty()) {
    const Line line = parse(listing.substr(0, listing.find('\n')));
    listing.remove_prefix(std::min(listing.find('\n'), listing.size() - 1) + 1);
    if (line.kind != "FLOCK" || line.inode != inode || line.pid <= 0) continue;
    if (line.device == device) return line.pid;
    elsewhere = line.pid;
    ++others;
  }
  return others == 1 ? elsewhere : std::nullopt;
}

std::optional<long> holder_of_lock(const FileStatus& file, const SystemCalls& calls) {
  const UniqueFd fd(calls.openat(AT_FDCWD, "/proc/locks", O_RDONLY | O_CLOEXEC, 0), calls);
  if (fd.get() < 0) return std::nullopt;
  constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
  std::string listing;
  std::array<char, 4096> part;
  while (listing.size() < kMostBytes) {
    const auto length = calls.pread(fd.get(), part.data(), part.size(), static_cast<off_t>(listing.size()));
    if (length <= 0) break;
    listing.append(part.data(), static_cast<std::size_t>(length));
  }
  return holder_in_listing(listing, file);
}

#else

std::optional<long> holder_in_listing(std::string_view, const FileStatus&) { return std::nullopt; }
std::optional<long> holder_of_lock(const FileStatus&, const SystemCalls&) { return std::nullopt; }

#endif

}  // namespace durability::internal
