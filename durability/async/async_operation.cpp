#include "durability/async/async_operation.hpp"

#include <cerrno>
#include <new>

namespace durability::async {

// Short texts are kept in place: they need no memory.

Error cancelled(std::string_view what) noexcept {
  try {
    return Error(ErrorCode::kCancelled, fmt::format("{} was given up", what))
        .advise("it may still happen; look, or ask again where asking twice does no harm");
  } catch (const std::exception&) {
    return Error(ErrorCode::kCancelled, "given up");
  }
}

Error out_of_memory() noexcept {
  try {
    return Error::from_errno(ENOMEM, "out of memory");
  } catch (const std::exception&) {
    return Error(ErrorCode::kIo, "out of memory");
  }
}

Error not_in_a_child() noexcept {
  try {
    return Error(ErrorCode::kInvalidState, "this process was forked from the one that this belongs to")
        .advise("nothing was done; open what you need here after the fork");
  } catch (const std::exception&) {
    return Error(ErrorCode::kInvalidState, "forked");
  }
}

Error error_of(const std::exception& thrown) noexcept {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) return out_of_memory();
  try {
    return Error(ErrorCode::kInvalidState, fmt::format("an exception: {}", thrown.what()));
  } catch (const std::exception&) {
    return out_of_memory();
  }
}

}  // namespace durability::async
