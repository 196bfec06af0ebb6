#pragma once

// What the tests of this folder have in common: the crate's program, or a reason to skip; how many histories.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "crate_program.hpp"

namespace durability::interop {

inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

inline std::uint64_t histories() { return from_environment("DURABILITY_INTEROP_HISTORIES", 300); }

class InteropTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    crate_ = CrateProgram::start(why_not);
    if (!crate_) GTEST_SKIP() << "INTEROP WITH THE RUST CRATE WAS NOT TESTED: " << why_not;
  }

  std::unique_ptr<CrateProgram> crate_;
};

}  // namespace durability::interop
