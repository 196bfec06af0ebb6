#pragma once

// The census of shortages: a life is lived again and again, and each time another of the allocations, thread
// starts and descriptors that it asks for can't be had, once or from then on, until it runs through without
// coming to one.
//
// A life runs in a process of its own, watched: one that hangs is killed, and one that dies is seen. A site
// is a place in the program that asks, with its callers. By default each site fails where it is come to first
// and last; with DURABILITY_SHORTAGES=all each time fails (`make shortages`). A failure prints the line that
// repeats it, with DURABILITY_SHORTAGE.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shortage.hpp"

namespace durability::shortages {

/// Arms the shortage, runs `part`, disarms it.
using InShortage = std::function<void(const std::function<void()>& part)>;
/// Yields what is wrong. While it is armed it notes what it must in memory that it has already, or in the
/// name of Exempt.
using Life = std::function<std::string(const InShortage& in_shortage)>;

/// Every shortage of these kinds of a life. With threads of its own its sites differ from run to run.
enum class Threads : std::uint8_t { kOne, kMany };
void expect_to_bear(const Life& life, const std::vector<Resource>& resources,
                    Threads threads = Threads::kOne);

}  // namespace durability::shortages
