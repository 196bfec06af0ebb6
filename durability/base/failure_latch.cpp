#include "durability/base/failure_latch.hpp"

#include <fmt/format.h>

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

Error FailureLatch::poisoned(std::string_view file) const {
  const Error cause = error();
  const bool taken = cause.code() == ErrorCode::kNotFound || cause.code() == ErrorCode::kLockFailed;
  Error error(ErrorCode::kPoisoned,
              fmt::format("an earlier failure stopped this writer: {}", cause.message()));
  if (cause.offset()) error.at_offset(*cause.offset());
  return error.in_file(cause.path().empty() ? file : cause.path())
      .advise(taken ? "its files were taken away under it, and what was acknowledged may be gone with them: "
                      "close it, open the log again and look"
                    : "what was acknowledged is safe; close it and open the log again");
}

}  // namespace durability
