#include "durability/testing/fiber.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace durability::testing {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10U;

Fiber* beginning = nullptr;  // makecontext() hands over integers only

}  // namespace

void Fiber::begin(std::function<void()> body) {
  body_ = std::move(body);
  exceptions_ = {};
  if (!stack_) stack_ = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  ::getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  ::makecontext(&context_, &Fiber::run, 0);
}

void Fiber::run() {
  std::exchange(beginning, nullptr)->body_();
  std::abort();
}

void Fiber::switch_to(Fiber& other) {
  void* const exceptions = abi::__cxa_get_globals();
  std::memcpy(&exceptions_, exceptions, sizeof exceptions_);
  std::memcpy(exceptions, &other.exceptions_, sizeof exceptions_);
  beginning = &other;
  ::swapcontext(&context_, &other.context_);
}

}  // namespace durability::testing
