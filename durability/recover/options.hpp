#pragma once

// How recovery goes about it.

#include <optional>

#include "durability/base/ids.hpp"
#include "durability/walog/verdict.hpp"

namespace durability {

class RecoveryOptions {
 public:
  /// A torn tail of the log is an error, and so is a damaged checkpoint.
  [[nodiscard]] static constexpr RecoveryOptions strict() noexcept {
    return RecoveryOptions(ReadMode::kStrict);
  }
  /// What a crash leaves is put up with: a tail that no acknowledgement covers is left out. A damaged
  /// checkpoint is ignored where the log alone is enough: where it begins at entry 1.
  [[nodiscard]] static constexpr RecoveryOptions best_effort() noexcept {
    return RecoveryOptions(ReadMode::kBestEffort);
  }

  /// The state as it was after `ceiling`: later entries are not even decoded, and damage to them goes
  /// unnoticed. A log that ends before it is no error. Chainable: `best_effort().up_to(id)`.
  [[nodiscard]] constexpr RecoveryOptions up_to(EntryId ceiling) const noexcept {
    RecoveryOptions narrowed = *this;
    narrowed.ceiling_ = ceiling;
    return narrowed;
  }

  [[nodiscard]] constexpr ReadMode mode() const noexcept { return mode_; }
  [[nodiscard]] constexpr std::optional<EntryId> ceiling() const noexcept { return ceiling_; }

 private:
  constexpr explicit RecoveryOptions(ReadMode mode) noexcept : mode_(mode) {}

  ReadMode mode_;
  std::optional<EntryId> ceiling_;
};

}  // namespace durability
