#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "output.hpp"

namespace durability::cli {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{1};
constexpr std::chrono::milliseconds kBetweenUpdates{200};
constexpr double kMebibyte = 1024.0 * 1024.0;

}  // namespace

Progress::Progress(std::string_view doing, std::optional<std::uint64_t> total_bytes)
    : doing_(doing),
      total_(total_bytes),
      on_terminal_(::isatty(STDERR_FILENO) == 1),
      begin_(steady_clock::now()),
      due_(begin_ + kPatience) {}

Progress::~Progress() {
  if (shown_) write_to_stderr("\r\033[K");
}

void Progress::show() {
  const auto now = steady_clock::now();
  if (now < due_) return;
  due_ = now + kBetweenUpdates;
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = static_cast<double>(done_) / seconds;
  std::string line = fmt::format("\r\033[K{}: {:.1f} MiB, {:.1f} MiB/s", doing_,
                                 static_cast<double>(done_) / kMebibyte, rate / kMebibyte);
  if (total_ && *total_ >= done_ && rate > 0) {
    line += fmt::format(", {:.0f} s left", static_cast<double>(*total_ - done_) / rate);
  }
  write_to_stderr(line);
}

std::uint64_t log_bytes(Directory& directory) {
  const auto segments = walog::list_segments(directory);
  if (!segments) return 0;
  std::uint64_t bytes = 0;
  for (const SegmentId id : *segments) {
    const auto file = directory.open(walog::segment_path(id));
    const auto size = file ? (*file)->size() : Result<std::uint64_t>(0);
    bytes += size.value_or(0);
  }
  return bytes;
}

}  // namespace durability::cli
