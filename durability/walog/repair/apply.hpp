#pragma once

// Applying and undoing a repair. The order of the steps, and why, is in repair.hpp.

#include <string>

#include "durability/storage/directory.hpp"
#include "durability/walog/repair/repair.hpp"

namespace durability::walog {

/// Takes the lock. Yields the directory in which the cut bytes are.
Result<std::string> apply_repair(Directory& directory, const WalOptions& options, const WalRepairPlan& plan,
                                 WalRepairConsent consent);

/// Takes the lock. Undoes the last repair that is not undone; yields the directory in which its bytes were.
Result<std::string> undo_repair(Directory& directory);

}  // namespace durability::walog
