#include "durability/walog/group_commit.hpp"

#include <utility>

namespace durability::walog {

Result<EntryId> GroupCommit::append(ByteView payload) {
  const std::lock_guard lock(mutex_);
  return writer_->append(payload);
}

Result<EntryId> GroupCommit::append_batch(std::span<const ByteView> payloads, bool atomic) {
  const std::lock_guard lock(mutex_);
  return atomic ? writer_->append_batch_atomic(payloads) : writer_->append_batch(payloads);
}

Result<DurableId> GroupCommit::append_durable(ByteView payload) {
  std::unique_lock lock(mutex_);
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  return wait(lock, id);
}

Result<DurableId> GroupCommit::wait_until_durable(EntryId id) {
  std::unique_lock lock(mutex_);
  if (id > writer_->last_entry_id()) {
    return Error(ErrorCode::kInvalidState, fmt::format("entry {} has not been appended", id))
        .advise("wait for an id that append returned");
  }
  return wait(lock, id);
}

Result<DurableId> GroupCommit::flush_and_sync() {
  std::unique_lock lock(mutex_);
  return wait(lock, writer_->last_entry_id());
}

Result<DurableId> GroupCommit::wait(std::unique_lock<std::mutex>& lock, EntryId id) {
  while (true) {
    const auto durable = writer_->durable_id();
    if (durable && durable->entry() >= id) return internal::DurableIdIssuer::issue(id);
    if (failure_) return *failure_;
    if (syncing_) {
      changed_.wait(lock);
    } else {
      DURABILITY_TRY(lead(lock));
    }
  }
}

Status GroupCommit::lead(std::unique_lock<std::mutex>& lock) {
  DURABILITY_TRY_ASSIGN(const PendingSync pending, writer_->begin_sync());
  syncing_ = true;
  lock.unlock();
  auto synced = writer_->run_sync(pending);
  lock.lock();
  syncing_ = false;
  auto finished = writer_->finish_sync(pending, std::move(synced));
  if (!finished) failure_ = finished.error();
  changed_.notify_all();
  if (!finished) return std::move(finished).error();
  return {};
}

Status GroupCommit::flush() {
  const std::lock_guard lock(mutex_);
  return writer_->flush();
}

Result<WalTruncation> GroupCommit::truncate_prefix(DurableId upto) {
  const std::lock_guard lock(mutex_);
  return writer_->truncate_prefix(upto);
}

Status GroupCommit::close() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !syncing_; });
  Status closed = writer_->close();
  changed_.notify_all();
  return closed;
}

}  // namespace durability::walog
