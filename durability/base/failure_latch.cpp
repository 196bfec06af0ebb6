#include "durability/base/failure_latch.hpp"

#include <exception>

namespace durability {

void FailureLatch::fail(const Error& error) noexcept {
  fail();
  const LockGuard lock(mutex_);
  if (error_) return;
  try {
    error_ = error;
  } catch (const std::exception&) {
    error_.reset();  // no memory: error() says what little is known
  }
}

Error FailureLatch::error() const {
  const LockGuard lock(mutex_);
  if (error_) return *error_;
  return Error(ErrorCode::kPoisoned, "memory ran out in the middle of a write or a sync");
}

}  // namespace durability
