#include "permuting_context.hpp"

#include "durability/testing/random.hpp"

namespace durability::eventloop {

PermutingContext::~PermutingContext() {
  // What a function holds may post more.
  while (!waiting_.empty()) lose_one();
  shutdown();
  destroy();
}

PermutingContext::Function PermutingContext::take_one() {
  const std::size_t at = testing::next_random(state_) % waiting_.size();
  std::swap(waiting_[at], waiting_.back());
  Function taken = std::move(waiting_.back());
  waiting_.pop_back();
  return taken;
}

void PermutingContext::run_one() { take_one()(); }
void PermutingContext::lose_one() { static_cast<void>(take_one()); }

}  // namespace durability::eventloop
