#pragma once

// Result<T>: a value or an Error, and nothing else. Discarding one is a compiler warning, which this
// project builds as an error. It wraps tl::expected so that the class itself can be [[nodiscard]].

#include <fmt/core.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "durability/base/error.hpp"

namespace durability {

/// What value() throws where there is no value: for programs that would rather end. The library itself never
/// calls it. what() is Error::to_string().
class BadResult final : public tl::bad_expected_access<Error> {
 public:
  explicit BadResult(const Error& failure)
      : tl::bad_expected_access<Error>(failure),
        text_(fmt::format("{}: {}", code_name(failure.code()), failure.to_string())) {}
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;

  // An Error converts, so that a function ends in `return Error(...)`.
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  Result(Base other) : Base(std::move(other)) {}                 // NOLINT(google-explicit-constructor)

  T& value() & { return require(), **this; }
  const T& value() const& { return require(), **this; }
  T&& value() && { return require(), *std::move(*this); }

 private:
  void require() const {
    if (!this->has_value()) throw BadResult(this->error());
  }
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
  using Base = tl::expected<void, Error>;

 public:
  using Base::Base;

  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  Result(Base other) : Base(std::move(other)) {}                 // NOLINT(google-explicit-constructor)

  void value() const {
    if (!has_value()) throw BadResult(error());
  }
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
