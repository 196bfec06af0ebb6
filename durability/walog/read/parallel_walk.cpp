#include "durability/walog/read/parallel_walk.hpp"

#include <algorithm>

#include "durability/walog/read/classify.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::walog {
namespace {

Result<SegmentFinding> walk_and_judge(FileWindow& window, const CheckedHeader& header, WalkState& state,
                                      const EntrySink& sink) {
  if (header.format == WalFormat::kV4) {
    DURABILITY_TRY_ASSIGN(const WalkEnd end, walk_segment({window, header.header}, state, sink));
    return classify_before_final(window, state, end);
  }
  DURABILITY_TRY_ASSIGN(const WalkEndV3 end, walk_segment_v3(window, header.as_v3(), false, state, sink));
  return classify_v3(window, header.format, Mode::kStrict, end, false);
}

Result<std::optional<WholeSegment>> walk_alone(Directory& directory, SegmentId id, std::size_t buffer_bytes,
                                               const Atomic<bool>& ending) {
  DURABILITY_TRY_ASSIGN(auto window, open_segment(directory, id, buffer_bytes));
  DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(0, v4::kHeaderBytes));
  const auto checked = check_header(bytes, {.name = id});  // as the first segment of a log
  const auto* header = std::get_if<CheckedHeader>(&checked);
  if (header == nullptr) return std::optional<WholeSegment>{};

  WholeSegment whole{.header = *header, .begin = first_state(*header), .end = first_state(*header)};
  const EntrySink count = [&](const WalEntryView& entry) -> Result<Flow> {
    whole.payload_bytes += entry.payload.size();
    return ending ? Flow::kStop : Flow::kContinue;
  };
  DURABILITY_TRY_ASSIGN(const SegmentFinding judged, walk_and_judge(window, *header, whole.end, count));
  if (judged.finding || ending) return std::optional<WholeSegment>{};
  whole.file_bytes = window.size();
  return std::optional(whole);
}

}  // namespace

ParallelWalk::ParallelWalk(Directory& directory, std::span<const SegmentId> segments, std::size_t threads,
                           std::size_t buffer_bytes)
    : directory_(directory), buffer_bytes_(buffer_bytes) {
  places_.reserve(segments.size());
  for (const SegmentId id : segments) places_.push_back({.id = id});
  threads = std::min(threads, segments.size());
  threads_.reserve(threads);
  while (threads_.size() < threads) {
    auto thread = Thread::start([this] { run(); });
    if (!thread) return;  // too many of them
    threads_.push_back(*std::move(thread));
  }
}

ParallelWalk::~ParallelWalk() {
  ending_ = true;
  for (Thread& thread : threads_) thread.join();
}

void ParallelWalk::run() {
  Lock lock(mutex_);
  while (!ending_ && begun_ < places_.size()) {
    Place& mine = places_[begun_++];
    mine.being_walked = true;
    lock.unlock();
    const auto whole = walk(mine.id);
    lock.lock();
    mine.whole = whole;
    mine.being_walked = false;
    walked_.notify_one();
  }
}

std::optional<WholeSegment> ParallelWalk::walk(SegmentId id) const noexcept {
  try {
    // An error is left to the pass, which meets it at the same place.
    return walk_alone(directory_, id, buffer_bytes_, ending_).value_or(std::nullopt);
  } catch (...) {
    return std::nullopt;  // out of memory: so is that
  }
}

std::optional<WholeSegment> ParallelWalk::wait_for(SegmentId id) {
  const auto place = std::ranges::lower_bound(places_, id, {}, &Place::id);
  if (place == places_.end() || place->id != id) return std::nullopt;
  const LockGuard lock(mutex_);
  begun_ = std::max(begun_, static_cast<std::size_t>(place - places_.begin()) + 1);
  walked_.wait(mutex_, [&] { return !place->being_walked; });
  return place->whole;
}

}  // namespace durability::walog
