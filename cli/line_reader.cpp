#include "line_reader.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "output.hpp"

namespace durability::cli {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{256} << 10U;
constexpr const char* kName = "standard input";

}  // namespace

void Lines::clear() noexcept {
  bytes_.clear();
  ends_.clear();
}

void Lines::add(std::uint64_t number, ByteView line) {
  if (ends_.empty()) first_number_ = number;
  bytes_.insert(bytes_.end(), line.begin(), line.end());
  ends_.push_back(bytes_.size());
}

ByteView Lines::operator[](std::size_t index) const noexcept {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return ByteView(bytes_).subspan(begin, ends_[index] - begin);
}

Result<std::unique_ptr<LineReader>> LineReader::open(int fd, Progress& progress, LineReaderOptions options) {
  const int stop_event = ::eventfd(0, EFD_CLOEXEC);
  if (stop_event < 0) return cannot_listen(errno, "watch for the end of work");
  return std::unique_ptr<LineReader>(new LineReader(fd, stop_event, progress, std::move(options)));
}

LineReader::~LineReader() { ::close(stop_event_); }

bool LineReader::next(std::size_t count, Lines& lines) {
  lines.clear();
  const std::lock_guard lock(mutex_);
  while (lines.size() < count && next_line(lines)) {
  }
  return lines.size() > 0 && !stopped_;
}

void LineReader::stop() noexcept {
  stopped_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_event_, &one, sizeof one);
}

std::optional<Error> LineReader::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::size_t LineReader::unfinished_bytes() const {
  const std::lock_guard lock(mutex_);
  return unfinished_bytes_;
}

bool LineReader::next_line(Lines& lines) {
  while (true) {
    if (stopped_ || failure_) return false;
    if (scanned_ < end_) {
      const void* found = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
      if (found != nullptr) {
        const auto length =
            static_cast<std::size_t>(static_cast<const std::byte*>(found) - buffer_.data()) - begin_;
        return take(length, 1, lines);
      }
      scanned_ = end_;
    }
    if (end_ - begin_ > max_line_bytes()) return take(end_ - begin_, 0, lines);  // refuses it
    if (at_end_) return begin_ < end_ && take(end_ - begin_, 0, lines);
    if (!read_more(lines.size() == 0)) return false;
  }
}

bool LineReader::take(std::size_t length, std::size_t newline, Lines& lines) {
  ++line_number_;
  if (length > max_line_bytes()) {
    return fail(Error(ErrorCode::kEncode,
                      fmt::format("line {} is longer than {} MiB", line_number_, options_.max_line_mib))
                    .in_file(kName)
                    .at_offset(line_offset_)
                    .advise("nothing of it was appended, and every line before it was; split it"));
  }
  lines.add(line_number_, ByteView(buffer_).subspan(begin_, length));
  begin_ += length + newline;
  scanned_ = begin_;
  line_offset_ += length + newline;
  return true;
}

bool LineReader::read_more(bool may_wait) {
  if (!wait_for_input(may_wait)) return false;
  if (at_end_) return true;
  make_room();
  // Whoever waits for the lock waits for this input.
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
  const ssize_t got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
  if (got < 0 && errno != EINTR && errno != EAGAIN) {
    return fail(Error::from_errno(errno, "read").in_file(kName).advise("every line before it was appended"));
  }
  if (got == 0) at_end_ = true;
  if (got > 0) {
    end_ += static_cast<std::size_t>(got);
    progress_.advance(static_cast<std::uint64_t>(got));
  }
  return true;
}

void LineReader::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.empty() ? kFirstBuffer : 2 * buffer_.size());
}

bool LineReader::wait_for_input(bool may_wait) {
  pollfd waits[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                    {.fd = stop_event_, .events = POLLIN, .revents = 0},
                    {.fd = options_.end_event, .events = POLLIN, .revents = 0}};  // -1: none
  int patience = 0;
  while (true) {
    const int ready = ::poll(waits, std::size(waits), patience);
    if (ready < 0 && errno != EINTR) return fail(Error::from_errno(errno, "wait for input").in_file(kName));
    if (ready > 0) break;
    if (ready < 0 || patience != 0) continue;
    if (!may_wait || !pause()) return false;
    patience = -1;
  }
  paused_ = false;
  if (waits[1].revents != 0) return false;
  if (waits[2].revents != 0) end_here();
  return true;
}

// The flag goes first: a line that another thread has under way is dealt with by it, or by on_pause.
bool LineReader::pause() {
  paused_ = true;
  if (!options_.on_pause) return true;
  const Status done = options_.on_pause();
  return done || fail(done.error());
}

void LineReader::end_here() {
  unfinished_bytes_ = end_ - begin_;
  begin_ = end_;
  scanned_ = end_;
  at_end_ = true;
}

bool LineReader::fail(Error error) {
  failure_ = std::move(error);
  return false;
}

}  // namespace durability::cli
