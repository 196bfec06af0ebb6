#include "durability/walog/write/background.hpp"

#include <exception>
#include <new>
#include <utility>

#include "durability/base/invariant.hpp"

namespace durability::walog {

Background::Background(std::shared_ptr<Directory> directory, const WalOptions& options, Shared shared)
    : directory_(std::move(directory)),
      observer_(options.observer),
      clock_(options.clock),
      spare_bytes_(options.preallocation()),
      worker_(options.worker),
      durable_(std::move(shared.durable)) {
  state_->latch = std::move(shared.latch);
  state_->lock = std::move(shared.lock);
  state_->durable = durable_;
  expect_recycled(options.recycle_segments);
}

Background::~Background() {
  if (opener_.left()) return;
  try {
    const Status finished = finish();
    static_cast<void>(finished);  // a caller that wants the error calls finish()
  } catch (const std::bad_alloc&) {
    static_cast<void>(state_);  // likewise; the waiting itself needs no memory
  }
}

Status Background::failure() const {
  if (state_->latch->failed()) return state_->latch->error();
  return {};
}

Status Background::State::sync(SegmentId id, File& file, std::optional<EntryId> upto) {
  const LockGuard one_at_a_time(syncing);
  if (latch->failed()) return latch->error();
  if (is_durable(upto)) return {};
  return latch->watch([&]() -> Status {
    DURABILITY_TRY(file.sync_data());
    Status named = check_names(id, file);
    // A seal's sync may have made it durable meanwhile, and a truncation deleted it.
    if (!named && is_durable(upto)) return {};
    return named;
  });
}

// What cannot be looked at now (a shortage) is looked at with the next sync.
Status Background::State::check_names(SegmentId id, File& file) const {
  if (const auto links = file.links(); links && *links == 0) {
    return Error(ErrorCode::kNotFound,
                 "the segment was deleted, replaced or moved away while the log was open")
        .in_file(segment_path(id))
        .advise(
            "nothing more is acknowledged, and what was is where that file went: put it back, or open the "
            "log again and look");
  }
  Status held = lock->check();
  if (held || held.error().code() != ErrorCode::kLockFailed) return {};
  return held;
}

// Zeros after a seal are allowed, so this need be neither durable nor a success. Not beside a sync of the
// file.
void Background::State::trim(File& file, std::uint64_t bytes) {
  const LockGuard one_at_a_time(syncing);
  const Status trimmed = file.truncate(bytes);
  static_cast<void>(trimmed);
}

void Background::write_back(std::shared_ptr<File> file, std::uint64_t begin, std::uint64_t end) {
  write_back_ticket_ =
      worker_->submit([file = std::move(file), begin, end] { file->start_write_back(begin, end - begin); });
}

void Background::sync_seal(SealedSegment sealed) {
  seal_ticket_ = worker_->submit([sealed = std::move(sealed), state = state_, durable = durable_,
                                  observer = observer_, clock = clock_, log = directory_->identity(),
                                  stable = directory_->capabilities().stable_storage] {
    try {
      if (stable) {
        const auto begin = clock->steady_now();
        if (!state->sync(sealed.id, *sealed.file, std::nullopt)) return;
        durable->raise(sealed.last);
        if (observer) {
          observer->on_sync(internal::DurableIdIssuer::issue(sealed.last, log), clock->steady_now() - begin);
        }
      }
      state->trim(*sealed.file, sealed.bytes);
    } catch (const std::exception&) {
      return;  // out of memory: of a failed sync the latch knows, and no more than that is needed
    }
  });
}

Status Background::wait_for_seal() {
  if (seal_ticket_) {
    worker_->wait_for(*seal_ticket_);
    seal_ticket_.reset();
  }
  return failure();
}

void Background::adopt_spare(SegmentFile spare) {
  const LockGuard lock(state_->mutex);
  state_->spare = std::move(spare);
}

void Background::forget_spare() {
  const LockGuard lock(state_->mutex);
  state_->spare.reset();
}

void Background::prepare_spare(SegmentId id, Filling filling) {
  if (spare_ticket_) return;
  {
    const LockGuard lock(state_->mutex);
    if (state_->spare || state_->latch->failed()) return;
  }
  spare_ticket_ = worker_->submit([id, filling, state = state_, directory = directory_,
                                   bytes = spare_bytes_] {
    try {
      if (state->latch->failed()) return;  // the sync of the previous seal failed
      auto built = make_spare(*directory, *state, id, bytes, filling);
      if (built) {
        const LockGuard lock(state->mutex);
        DURABILITY_INVARIANT(!state->spare);  // with the active segment's file, two at most have no frames
        state->spare = *std::move(built);
      } else if (built.error().poisons) {
        state->latch->fail(built.error().error);
      }
    } catch (const std::exception&) {
      return;  // out of memory
    }
    // A shortage is nobody's failure yet: the writer that needs the spare tries again, and gets the
    // error.
  });
}

void Background::wait_for_spare() {
  if (!spare_ticket_) return;
  worker_->wait_for(*spare_ticket_);
  spare_ticket_.reset();
}

std::optional<std::string> Background::take_recycled(State& state) {
  const LockGuard lock(state.mutex);
  if (state.recycled.empty()) return std::nullopt;
  std::string recycled = std::move(state.recycled.back());
  state.recycled.pop_back();
  return recycled;
}

// Files that wait to be recycled hold space that a new one may lack.
Built<SegmentFile> Background::make_spare(Directory& directory, State& state, SegmentId id,
                                          std::uint64_t bytes, Filling filling) {
  const SegmentPlan plan{.id = id,
                         .contents = {},
                         .bytes = bytes,
                         .written_zeros = filling == Filling::kZeros,
                         .give_up = &state.give_up,
                         .latch = state.latch.get()};
  auto built = build_spare(directory, state, plan);
  const bool lacks_space = !built && !built.error().poisons && is_lack_of_space(built.error().error);
  return lacks_space && discard_recycled(directory, state) ? build_spare(directory, state, plan)
                                                           : std::move(built);
}

Built<SegmentFile> Background::build_spare(Directory& directory, State& state, const SegmentPlan& plan) {
  // The old bytes of a recycled file have to be written over: it saves nothing where no zeros are written.
  auto recycled = plan.written_zeros ? take_recycled(state) : std::nullopt;
  if (!recycled) return build_segment(directory, plan);
  auto prepared = prepare_recycled(directory, plan, *std::move(recycled));
  if (!prepared) return tl::unexpected(std::move(prepared).error());
  return put_segment_in_place(directory, *std::move(prepared));
}

// True where there were any.
bool Background::discard_recycled(Directory& directory, State& state) {
  bool any = false;
  while (const auto recycled = take_recycled(state)) {
    discard_temporary(directory, *recycled);
    any = true;
  }
  return any;
}

void Background::expect_recycled(std::size_t most) {
  const LockGuard lock(state_->mutex);
  state_->recycled.reserve(most);
}

void Background::offer_recycled(std::string temporary) noexcept {
  const LockGuard lock(state_->mutex);
  DURABILITY_INVARIANT(state_->recycled.size() < state_->recycled.capacity());  // needs no memory
  state_->recycled.push_back(std::move(temporary));
}

std::size_t Background::recycled() const {
  const LockGuard lock(state_->mutex);
  return state_->recycled.size();
}

Built<SegmentFile> Background::take_spare(SegmentId id, Filling filling) {
  wait_for_spare();
  if (auto sealed = wait_for_seal(); !sealed) {
    return tl::unexpected(BuildFailure{.error = std::move(sealed).error()});
  }
  {
    const LockGuard lock(state_->mutex);
    if (state_->spare) {
      auto spare = *std::move(state_->spare);
      state_->spare.reset();
      return spare;
    }
  }
  return make_spare(*directory_, *state_, id, spare_bytes_, filling);
}

Status Background::finish() {
  state_->give_up = true;
  wait_for_spare();
  if (write_back_ticket_) worker_->wait_for(*write_back_ticket_);
  write_back_ticket_.reset();
  Status sealed = wait_for_seal();
  state_->give_up = false;
  discard_recycled(*directory_, *state_);
  return sealed;
}

}  // namespace durability::walog
