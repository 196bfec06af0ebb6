#include "durability/walog/background.hpp"

#include <utility>

namespace durability::walog {

Background::Background(std::shared_ptr<Directory> directory, const WalOptions& options,
                       std::shared_ptr<Worker> worker, std::shared_ptr<DurableMark> durable)
    : directory_(std::move(directory)),
      observer_(options.observer),
      clock_(options.clock),
      spare_bytes_(options.preallocation()),
      worker_(std::move(worker)),
      durable_(std::move(durable)) {}

Background::~Background() {
  const Status finished = finish();
  static_cast<void>(finished);  // whoever wants to hear of it calls finish()
}

Status Background::failure() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->failure) return *state_->failure;
  return {};
}

Status Background::State::sync(File& file) {
  const std::lock_guard one_at_a_time(syncing);
  {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
  }
  Status synced = file.sync_data();
  if (!synced) fail(synced.error());
  return synced;
}

void Background::write_back(std::shared_ptr<File> file, std::uint64_t begin, std::uint64_t end) {
  write_back_ticket_ =
      worker_->submit([file = std::move(file), begin, end] { file->start_write_back(begin, end - begin); });
}

void Background::sync_seal(SealedSegment sealed) {
  seal_ticket_ =
      worker_->submit([sealed = std::move(sealed), state = state_, durable = durable_, observer = observer_,
                       clock = clock_, stable = directory_->capabilities().stable_storage] {
        if (stable) {
          const auto begin = clock->steady_now();
          if (!state->sync(*sealed.file)) return;
          durable->raise(sealed.last);
          if (observer) {
            observer->on_sync(internal::DurableIdIssuer::issue(sealed.last), clock->steady_now() - begin);
          }
        }
        // Zeros behind a seal are allowed, so this need be neither durable nor a success.
        const Status trimmed = sealed.file->truncate(sealed.bytes);
        static_cast<void>(trimmed);
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
  const std::lock_guard lock(state_->mutex);
  state_->spare = std::move(spare);
}

void Background::forget_spare() {
  const std::lock_guard lock(state_->mutex);
  state_->spare.reset();
}

void Background::prepare_spare(SegmentId id, Filling filling) {
  if (spare_ticket_) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->spare || state_->failure) return;
  }
  spare_ticket_ =
      worker_->submit([id, filling, state = state_, directory = directory_, bytes = spare_bytes_] {
        {
          const std::lock_guard lock(state->mutex);
          if (state->failure) return;  // the sync of the seal in front failed
        }
        auto built = make_spare(*directory, *state, id, bytes, filling);
        if (built) {
          const std::lock_guard lock(state->mutex);
          state->spare = *std::move(built);
        } else if (built.error().poisons) {
          state->fail(std::move(built).error().error);
        }
        // A lack of space is nobody's failure yet: whoever needs the spare tries again, and is told.
      });
}

void Background::wait_for_spare() {
  if (!spare_ticket_) return;
  worker_->wait_for(*spare_ticket_);
  spare_ticket_.reset();
}

std::optional<std::string> Background::take_recycled(State& state) {
  const std::lock_guard lock(state.mutex);
  if (state.recycled.empty()) return std::nullopt;
  std::string recycled = std::move(state.recycled.back());
  state.recycled.pop_back();
  return recycled;
}

Built<SegmentFile> Background::make_spare(Directory& directory, State& state, SegmentId id,
                                          std::uint64_t bytes, Filling filling) {
  const SegmentPlan plan{.id = id,
                         .contents = {},
                         .bytes = bytes,
                         .written_zeros = filling == Filling::kZeros,
                         .give_up = &state.give_up};
  // The old bytes of a recycled file have to be written over: it saves nothing where no zeros are written.
  auto recycled = plan.written_zeros ? take_recycled(state) : std::nullopt;
  if (!recycled) return build_segment(directory, plan);
  auto prepared = prepare_recycled(directory, plan, *std::move(recycled));
  if (!prepared) return tl::unexpected(std::move(prepared).error());
  return publish_segment(directory, *std::move(prepared));
}

void Background::offer_recycled(std::string temporary) {
  const std::lock_guard lock(state_->mutex);
  state_->recycled.push_back(std::move(temporary));
}

std::size_t Background::recycled() const {
  const std::lock_guard lock(state_->mutex);
  return state_->recycled.size();
}

Built<SegmentFile> Background::take_spare(SegmentId id, Filling filling) {
  wait_for_spare();
  if (auto sealed = wait_for_seal(); !sealed) {
    return tl::unexpected(BuildFailure{.error = std::move(sealed).error()});
  }
  {
    const std::lock_guard lock(state_->mutex);
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
  for (const std::string& temporary : state_->recycled) discard_temporary(*directory_, temporary);
  state_->recycled.clear();
  return wait_for_seal();
}

}  // namespace durability::walog
