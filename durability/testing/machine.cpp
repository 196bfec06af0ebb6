#include "durability/testing/machine.hpp"

#include <algorithm>
#include <utility>

namespace durability::testing {

Machine::Machine(std::shared_ptr<CrashDirectory> directory, std::uint64_t cut_after)
    : directory_(std::move(directory)), cut_after_(cut_after) {
  directory_->cut_after(cut_after_);
}

void Machine::kill() {
  before_ = operations();
  directory_ = directory_->after_kill();
  directory_->cut_after(cut_after_ - std::min(cut_after_, before_));
}

bool Machine::dead() const { return operations() > cut_after_; }

std::uint64_t Machine::operations() const { return before_ + directory_->operations(); }

}  // namespace durability::testing
