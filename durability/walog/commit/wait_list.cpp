#include "durability/walog/commit/wait_list.hpp"

namespace durability::walog {

void WaitList::add(Waiter& waiter) noexcept {
  waiter.next_ = nullptr;
  *end_ = &waiter;
  end_ = &waiter.next_;
  ++size_;
}

WaitList::Released WaitList::release(EntryId durable, bool all) noexcept {
  Waiter* next_leader = nullptr;
  Waiter* woken = nullptr;
  Waiter** woken_end = &woken;
  Waiter** kept_end = &first_;
  for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->next_) {
    if (waiter->id_ <= durable || all) {
      waiter->signal_ = waiter->id_ <= durable ? Waiter::Word::kDurable : Waiter::Word::kRecheck;
      *woken_end = waiter;
      woken_end = &waiter->next_;
      --size_;
    } else if (next_leader == nullptr) {
      next_leader = waiter;
      --size_;
    } else {
      *kept_end = waiter;
      kept_end = &waiter->next_;
    }
  }
  *woken_end = nullptr;
  *kept_end = nullptr;
  end_ = kept_end;
  if (next_leader == nullptr) return Released(woken);
  next_leader->signal_ = Waiter::Word::kRecheck;
  next_leader->next_ = woken;
  return Released(next_leader);
}

}  // namespace durability::walog
