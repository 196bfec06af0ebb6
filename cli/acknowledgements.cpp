#include "acknowledgements.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "output.hpp"

namespace durability::cli {

Status Acknowledgements::appended(const Lines& lines, EntryId first, EntryId counted) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    waiting_.push_back(
        {.id = EntryId(first.value() + i), .line = lines.first_number() + i, .bytes = lines[i].size()});
  }
  // A pause may have counted them before they were noted here.
  const bool news = counted > counted_ || first <= counted_ || first <= counted;
  return news ? count(counted) : Status{};
}

Status Acknowledgements::count_up_to(EntryId id) {
  const std::lock_guard lock(mutex_);
  return count(id);
}

Tally Acknowledgements::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

Status Acknowledgements::count(EntryId up_to) {
  counted_ = std::max(counted_, up_to);
  // Threads come here in any order, so what counts now may stand anywhere among what waits.
  const auto counts = [this](const Waiting& entry) { return entry.id <= counted_; };
  const auto begin = std::partition(waiting_.begin(), waiting_.end(), std::not_fn(counts));
  std::sort(begin, waiting_.end(), [](const Waiting& a, const Waiting& b) { return a.id < b.id; });
  text_.clear();
  for (auto entry = begin; entry != waiting_.end(); ++entry) {
    ++tally_.entries;
    tally_.bytes += entry->bytes;
    tally_.first = tally_.first ? std::min(*tally_.first, entry->id) : entry->id;
    tally_.last = tally_.last ? std::max(*tally_.last, entry->id) : entry->id;
    if (acks_) fmt::format_to(std::back_inserter(text_), "{} {}\n", entry->line, entry->id);
  }
  waiting_.erase(begin, waiting_.end());
  return write_to_stdout(text_);
}

}  // namespace durability::cli
