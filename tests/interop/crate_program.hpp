#pragma once

// The Rust crate, in a process beside the test: rust/ is its program, build.sh builds it. One process answers
// all commands of a test, in the order in which they are given.

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace durability::interop {

using nlohmann::json;

class CrateProgram {
 public:
  /// The program, or none where it cannot be had on this machine: `why_not` then says so. Throws where
  /// it can be had but does not build or start.
  static std::unique_ptr<CrateProgram> start(std::string& why_not);

  ~CrateProgram();
  CrateProgram(const CrateProgram&) = delete;
  CrateProgram& operator=(const CrateProgram&) = delete;

  /// `command` is a line without its end: rust/src/script.rs. Throws where the program is gone.
  json ask(const std::string& command);

 private:
  CrateProgram(pid_t child, int commands, int answers)
      : child_(child), commands_(commands), answers_(answers) {}

  pid_t child_;
  int commands_;
  int answers_;
  std::string read_;
};

}  // namespace durability::interop
