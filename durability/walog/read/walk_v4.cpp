#include "durability/walog/read/walk_v4.hpp"

#include <algorithm>
#include <optional>

namespace durability::walog {
namespace {

class Walk {
 public:
  Walk(const FrameReader& frames, WalkState& state, const EntrySink& sink)
      : frames_(frames), state_(state), ahead_(state), tally_(state.tally), sink_(sink) {}

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
      if (!frames_.holds_frame_at(ahead_.offset, frame_)) {
        DURABILITY_TRY_ASSIGN(const auto frame_state, frames_.frame_at(ahead_.offset, frame_));
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
    return sink_({.id = frame_.fields.id,
                  .segment = frames_.segment(),
                  .offset = offset,
                  .payload = frame_.payload()});
  }

  // A batch may be larger than any buffer, so it is read a second time once its end has been seen.
  Result<Flow> deliver_batch() {
    for (std::uint64_t offset = batch_begin_->offset; offset < ahead_.offset; offset += frame_.span()) {
      DURABILITY_TRY_ASSIGN(const auto frame_state, frames_.frame_at(offset, frame_));
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

  const FrameReader frames_;
  WalkState& state_;
  WalkState ahead_;  // but for the tally
  v4::SealTallyBuilder tally_;
  std::optional<WalkState> batch_begin_;
  const EntrySink& sink_;
  v4::Frame frame_;
};

}  // namespace

Result<WalkEnd> walk_segment(const FrameReader& frames, WalkState& state, const EntrySink& sink) {
  return Walk(frames, state, sink).run();
}

}  // namespace durability::walog
