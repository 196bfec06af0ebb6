#pragma once

// The completions to be called once their entries are durable, in the order of the entries.

#include <vector>

#include "durability/base/ids.hpp"
#include "durability/base/result.hpp"
#include "durability/base/unique_function.hpp"

namespace durability {

/// Called once with proof that the entry is on stable storage, or with the reason why that is not known.
using DurableCompletion = UniqueFunction<void(Result<DurableId>)>;

namespace walog {

struct PendingCompletion {
  EntryId id;
  DurableCompletion completion;
};

/// Not thread-safe. Allocates only where it grows beyond its largest size so far.
class CompletionQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == waiting_.size(); }
  [[nodiscard]] EntryId front() const noexcept { return waiting_[first_].id; }

  /// Room for one more, so that the push that follows cannot fail.
  void reserve_one();
  /// `id` is above all earlier ones.
  void push(EntryId id, DurableCompletion completion) noexcept;
  /// Moves those up to `id` to the end of `taken`, as far as it has room for them.
  void take_through(EntryId id, std::vector<PendingCompletion>& taken) noexcept;

 private:
  std::vector<PendingCompletion> waiting_;  // those before first_ are gone
  std::size_t first_ = 0;
};

}  // namespace walog
}  // namespace durability
