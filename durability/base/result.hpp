#pragma once

// Result<T>: a value or an Error, and nothing else. Discarding one is a compiler warning, which this
// project builds as an error. It wraps tl::expected so that the class itself can be [[nodiscard]].

#include <tl/expected.hpp>
#include <utility>

#include "durability/base/error.hpp"

namespace durability {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;

  // An Error converts, so that a function ends in `return Error(...)`.
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  Result(Base other) : Base(std::move(other)) {}                 // NOLINT(google-explicit-constructor)
};

/// A call that yields nothing but success.
using Status = Result<void>;

}  // namespace durability

// Leaves the calling function with the error of `expression`, if it has one.
#define DURABILITY_TRY(expression)                                   \
  do {                                                               \
    if (auto durability_status = (expression); !durability_status) { \
      return std::move(durability_status).error();                   \
    }                                                                \
  } while (false)

// Declares `declaration` as the value of `expression`, or leaves with its error.
#define DURABILITY_TRY_ASSIGN(declaration, expression) \
  DURABILITY_TRY_ASSIGN_AS(DURABILITY_CONCAT(durability_result_, __LINE__), declaration, expression)
#define DURABILITY_TRY_ASSIGN_AS(name, declaration, expression) \
  auto name = (expression);                                     \
  if (!(name)) return std::move(name).error();                  \
  declaration = *std::move(name)
#define DURABILITY_CONCAT(left, right) DURABILITY_CONCAT_EXPANDED(left, right)
#define DURABILITY_CONCAT_EXPANDED(left, right) left##right
