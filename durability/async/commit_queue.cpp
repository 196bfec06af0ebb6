#include "durability/async/commit_queue.hpp"

namespace durability {

Status AsyncWalOptions::validate() const {
  const auto check = [](std::string_view name, std::size_t value, std::size_t most) -> Status {
    if (value >= 1 && value <= most) return {};
    return Error(ErrorCode::kInvalidConfig, fmt::format("{} = {}", name, value))
        .advise(fmt::format("1 to {}", most));
  };
  DURABILITY_TRY(check("max_in_flight", max_in_flight, std::size_t{1} << 20U));
  DURABILITY_TRY(check("max_waiting", max_waiting, std::size_t{1} << 20U));
  return check("max_waiting_bytes", max_waiting_bytes, std::size_t{1} << 30U);
}

namespace async {

CommitQueue::CommitQueue(std::shared_ptr<CommitLog> log, Worker& worker, boost::asio::any_io_executor home,
                         const AsyncWalOptions& options)
    : log_(std::move(log)),
      worker_(&worker),
      mailbox_(std::make_shared<Mailbox>(std::move(home))),
      max_in_flight_(options.max_in_flight),
      max_waiting_(options.max_waiting),
      max_waiting_bytes_(options.max_waiting_bytes) {}

void CommitQueue::append(Bytes payload, std::shared_ptr<Pending<DurableId>> waiter) {
  enqueue({.payload = std::move(payload), .waiter = std::move(waiter), .closer = nullptr});
}

void CommitQueue::flush_and_sync(std::shared_ptr<Pending<DurableId>> waiter) {
  enqueue({.payload = std::nullopt, .waiter = std::move(waiter), .closer = nullptr});
}

void CommitQueue::close(std::shared_ptr<Pending<void>> waiter) {
  enqueue({.payload = std::nullopt, .waiter = nullptr, .closer = std::move(waiter)});
}

void CommitQueue::enqueue(Item item) {
  std::unique_lock lock(mutex_);
  if (auto admitted = admit(item); !admitted) {
    lock.unlock();
    if (item.closer) return item.closer->resolve(std::move(admitted));
    return item.waiter->resolve(std::move(admitted).error());
  }
  closed_ = closed_ || item.closer;
  waiting_bytes_ += item.payload ? item.payload->size() : 0;
  waiting_.push_back(std::move(item));
  if (!scheduled_) schedule();
}

Status CommitQueue::admit(const Item& item) const {
  if (closed_) {
    return Error(ErrorCode::kInvalidState, "this log is closed").advise("open it again");
  }
  if (item.closer || waiting_.empty()) return {};
  const std::size_t bytes = item.payload ? item.payload->size() : 0;
  if (waiting_.size() < max_waiting_ && bytes <= max_waiting_bytes_ &&
      waiting_bytes_ <= max_waiting_bytes_ - bytes) {
    return {};
  }
  return Error(ErrorCode::kBusy,
               fmt::format("{} entries of {} bytes wait already", waiting_.size(), waiting_bytes_))
      .advise("nothing was appended; append again when some of them are through");
}

void CommitQueue::schedule() {
  scheduled_ = true;
  worker_->submit([self = shared_from_this()] { self->commit_group(); });
}

void CommitQueue::commit_group() {
  auto group = take_group();
  mailbox_->put(commit(std::move(group)));
  const std::lock_guard lock(mutex_);
  scheduled_ = false;
  if (!waiting_.empty()) schedule();
}

/// A close stands alone.
auto CommitQueue::take_group() -> std::vector<Item> {
  std::vector<Item> group;
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && group.size() < max_in_flight_) {
    Item& next = waiting_.front();
    const bool closes = next.closer != nullptr;
    if (closes && !group.empty()) break;
    waiting_bytes_ -= next.payload ? next.payload->size() : 0;
    group.push_back(std::move(next));
    waiting_.pop_front();
    if (closes) break;
  }
  return group;
}

auto CommitQueue::commit(std::vector<Item> group) -> std::vector<Letter> {
  std::vector<Letter> letters;
  letters.reserve(group.size());
  if (!group.empty() && group.front().closer) {
    letters.emplace_back(Outcome<void>{std::move(group.front().closer), log_->close()});
    return letters;
  }
  std::vector<Result<EntryId>> ids;
  ids.reserve(group.size());
  for (const Item& item : group) {
    // Whoever gave up before this point appends nothing.
    if (!item.payload || item.waiter->decided()) {
      ids.emplace_back(EntryId(0));
    } else {
      ids.push_back(log_->append_bytes(*item.payload));
    }
  }
  // The first that waits syncs for all: they have been written before that sync begins.
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (group[i].waiter->decided()) continue;
    auto outcome = !group[i].payload ? log_->flush_and_sync()
                   : ids[i]          ? log_->wait_until_durable(*ids[i])
                                     : Result<DurableId>(std::move(ids[i]).error());
    letters.emplace_back(Outcome<DurableId>{std::move(group[i].waiter), std::move(outcome)});
  }
  return letters;
}

void CommitQueue::abandon() {
  std::deque<Item> given_up;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    given_up.swap(waiting_);
    waiting_bytes_ = 0;
  }
  for (const Item& item : given_up) {
    if (item.closer) {
      item.closer->cancel();
    } else {
      item.waiter->cancel();
    }
  }
}

}  // namespace async
}  // namespace durability
