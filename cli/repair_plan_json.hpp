#pragma once

// A repair plan as the file that wal repair prints and takes.

#include "durability/walog/repair/repair.hpp"
#include "output.hpp"

namespace durability::cli {

/// A plan, and what it was made with.
struct SavedPlan {
  WalRepairPlan plan;
  EntryId first_entry_id{1};  ///< where the log goes on if nothing in it says where it began
};

[[nodiscard]] Json json_of(const SavedPlan& saved);

/// `decode` where the text is no plan, `invalid_state` where it is that of a log in which nothing is to be
/// repaired.
[[nodiscard]] Result<SavedPlan> parse_plan(std::string_view text);

}  // namespace durability::cli
