#include "tally.hpp"

#include <fmt/format.h>

namespace durability::interop {

std::string Tally::to_string() const {
  std::string text = fmt::format("{} histories, {} damaged copies.", histories_, damaged_);
  for (const auto& [what, count] : kinds_) text += fmt::format(" {}: {}.", what, count);
  for (const auto& [what, count] : differences_) text += fmt::format(" Ours ({}): {}.", what, count);
  return text;
}

void Tally::expect_some_of_each() const {
  for (const auto& [what, count] : kinds_) EXPECT_GT(count, 0) << "no history had " << what;
}

}  // namespace durability::interop
