#include "durability/walog/read/walk_v4.hpp"

#include <algorithm>
#include <optional>

namespace durability::walog {
namespace {

class Walk {
 public:
  Walk(FileWindow& window, const SegmentHeader& header, WalkState& state, const EntrySink& sink)
      : window_(window),
        segment_(header.segment_id),
        seed_(v4::crc_seed(header.log_id, header.segment_id)),
        state_(state),
        ahead_(state),
        tally_(state.tally),
        sink_(sink) {}

  Result<WalkEnd> run() {
    auto walked = walk();
    // Up to here, or to where the batch that is still open began.
    if (!batch_begin_) {
      state_ = ahead_;
      state_.tally = tally_.total();
    } else {
      state_ = *batch_begin_;
    }
    return walked;
  }

 private:
  Result<WalkEnd> walk() {
    if (ahead_.sealed) return end(WalkStop::kSealed);
    while (true) {
      // Nearly always the buffer holds it.
      if (v4::read_frame(window_.held_from(ahead_.offset), seed_, frame_) != v4::FrameState::kWhole) {
        DURABILITY_TRY_ASSIGN(const auto frame_state, read_frame_at(window_, ahead_.offset, seed_, frame_));
        if (frame_state == v4::FrameState::kRuleBroken) return end(WalkStop::kRuleBroken);
        if (frame_state == v4::FrameState::kNotWhole) return end(WalkStop::kBadPlace);
      }
      if (frame_.fields.kind == v4::FrameKind::kEntry) {
        if (frame_.fields.id != ahead_.due) return end(WalkStop::kBadPlace);
        DURABILITY_TRY_ASSIGN(const Flow flow, take_entry());
        if (flow == Flow::kStop) return end_after_frame();
        continue;
      }
      if (in_batch()) return end(WalkStop::kBadPlace);
      const bool id_fits = frame_.fields.id.value() == ahead_.due.value() - 1;
      if (frame_.fields.kind == v4::FrameKind::kSeal) return take_seal(id_fits);
      if (!id_fits) return end(WalkStop::kBadPlace);
      step();
      ahead_.clean_mark = frame_.fields.lag == 0;
    }
  }

  [[nodiscard]] bool in_batch() const noexcept { return batch_begin_.has_value(); }

  [[nodiscard]] WalkEnd end(WalkStop stop) const noexcept {
    return {.stop = stop, .offset = ahead_.offset, .missing = ahead_.due, .open_batch = in_batch()};
  }

  // The sink may have stopped inside a batch, which was read to its end before.
  [[nodiscard]] WalkEnd end_after_frame() const noexcept {
    WalkEnd stopped = end(WalkStop::kSinkStopped);
    stopped.missing = EntryId(frame_.fields.id.value() + 1);
    return stopped;
  }

  void step() noexcept {
    tally_.add(frame_.fields.kind, frame_.crc);
    ahead_.last_frame = ahead_.offset;
    ahead_.last_crc = frame_.crc;
    if (const auto vouched = frame_.vouches_for()) ahead_.vouched = std::max(ahead_.vouched, *vouched);
    ahead_.offset += frame_.span();
    ahead_.clean_mark = false;
  }

  Result<Flow> take_entry() {
    const bool single = !in_batch() && !frame_.fields.more;
    DURABILITY_TRY_ASSIGN(const EntryId next, ahead_.due.next());
    Flow flow = Flow::kContinue;
    if (single) {
      DURABILITY_TRY_ASSIGN(flow, deliver(ahead_.offset));
    } else if (!in_batch()) {
      batch_begin_ = ahead_;
      batch_begin_->tally = tally_.total();
    }
    const bool batch_is_whole = in_batch() && !frame_.fields.more;
    step();
    ahead_.due = next;
    if (batch_is_whole) {
      DURABILITY_TRY_ASSIGN(flow, deliver_batch());
      batch_begin_.reset();
    }
    return flow;
  }

  Result<Flow> deliver(std::uint64_t offset) {
    return sink_(
        {.id = frame_.fields.id, .segment = segment_, .offset = offset, .payload = frame_.payload()});
  }

  // A batch may be larger than any buffer, so it is read a second time once its end has been seen.
  Result<Flow> deliver_batch() {
    for (std::uint64_t offset = batch_begin_->offset; offset < ahead_.offset; offset += frame_.span()) {
      DURABILITY_TRY_ASSIGN(const auto frame_state, read_frame_at(window_, offset, seed_, frame_));
      if (frame_state != v4::FrameState::kWhole) {
        return Error(ErrorCode::kBusy, "a batch changed while it was being read")
            .at_offset(offset)
            .advise("nothing was changed; read again");
      }
      DURABILITY_TRY_ASSIGN(const Flow flow, deliver(offset));
      if (flow == Flow::kStop) return flow;
    }
    return Flow::kContinue;
  }

  WalkEnd take_seal(bool id_fits) {
    if (!id_fits || frame_.seal() != tally_.total()) return end(WalkStop::kSealMismatch);
    const WalkEnd sealed = end(WalkStop::kSealed);
    step();
    ahead_.sealed = true;
    return sealed;
  }

  FileWindow& window_;
  SegmentId segment_;
  std::uint32_t seed_;
  WalkState& state_;
  WalkState ahead_;  // but for the tally
  v4::SealTallyBuilder tally_;
  std::optional<WalkState> batch_begin_;
  const EntrySink& sink_;
  v4::Frame frame_;
};

}  // namespace

Result<v4::FrameState> read_frame_at(FileWindow& window, std::uint64_t offset, std::uint32_t seed,
                                     v4::Frame& frame) {
  DURABILITY_TRY_ASSIGN(const ByteView head, window.view(offset, v4::kFrameHeadBytes));
  if (head.size() < v4::kFrameHeadBytes) return v4::FrameState::kNotWhole;
  const auto length = v4::plausible_length(head);
  // Nothing is read, and no buffer grows, for a length that the file does not hold.
  if (!length || *length > window.size() - offset) return v4::FrameState::kNotWhole;
  DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(offset, *length));
  return v4::read_frame(bytes, seed, frame);
}

Result<WalkEnd> walk_segment(FileWindow& window, const SegmentHeader& header, WalkState& state,
                             const EntrySink& sink) {
  return Walk(window, header, state, sink).run();
}

}  // namespace durability::walog
