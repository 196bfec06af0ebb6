#pragma once

// A damaged copy for each place that means something, and what is said of it.

#include <string>

#include "samples.hpp"

namespace durability::golden {

/// A bit of each field flipped; the file cut at each part, and one byte into it; zeros from each part on;
/// each file missing; neighbours swapped. Damages in a row of which the same is said share its lines.
std::string damages_and_verdicts(const Sample& sample, Advice& advice);

}  // namespace durability::golden
