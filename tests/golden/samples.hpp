#pragma once

// The logs and checkpoints that golden files are about: small, and the same bytes on every machine.

#include <functional>
#include <string>
#include <vector>

#include "anatomy.hpp"
#include "files.hpp"
#include "verdicts.hpp"

namespace durability::golden {

struct Sample {
  std::string name;
  std::string story;
  Files files;
  Anatomy (*anatomy)(ByteView);
  /// What is said of these files, or of a damaged copy of them.
  std::function<std::string(const Files&, Advice&)> verdict;
};

std::vector<Sample> samples();

}  // namespace durability::golden
