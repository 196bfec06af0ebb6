#include "durability/async/pending.hpp"

#include <cerrno>
#include <new>

namespace durability::async {

Error cancelled(std::string_view what) {
  return Error(ErrorCode::kCancelled, fmt::format("{} was given up", what))
      .advise("it may still happen; look, or ask again where asking twice does no harm");
}

Error error_of(const std::exception& thrown) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr)
    return Error::from_errno(ENOMEM, "out of memory");
  return Error(ErrorCode::kInvalidState, fmt::format("an exception: {}", thrown.what()));
}

}  // namespace durability::async
