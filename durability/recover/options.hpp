#pragma once

// How recovery goes about it.

#include <optional>

#include "durability/base/ids.hpp"
#include "durability/walog/read/verdict.hpp"

namespace durability {

class RecoveryOptions {
 public:
  /// A torn tail of the log is an error, and so is a damaged checkpoint.
  [[nodiscard]] static constexpr RecoveryOptions strict() noexcept { return {ReadMode::kStrict, false}; }
  /// What a crash leaves is put up with: a tail that no acknowledgement covers is left out. A damaged
  /// checkpoint is ignored where the log alone is enough: where it begins at entry 1.
  [[nodiscard]] static constexpr RecoveryOptions best_effort() noexcept {
    return {ReadMode::kBestEffort, true};
  }

  /// The state as it was after `ceiling`: later entries are not even decoded, and damage to them goes
  /// unnoticed. A log that ends before it is no error. Chainable: `best_effort().up_to(id)`.
  [[nodiscard]] constexpr RecoveryOptions up_to(EntryId ceiling) const noexcept {
    RecoveryOptions narrowed = *this;
    narrowed.ceiling_ = ceiling;
    return narrowed;
  }

  /// Whether a damaged checkpoint is ignored where the log alone is enough, or is an error, whatever becomes
  /// of the log's tail. Chainable.
  [[nodiscard]] constexpr RecoveryOptions ignore_corrupt_checkpoint(bool ignore = true) const noexcept {
    RecoveryOptions changed = *this;
    changed.ignores_corrupt_checkpoint_ = ignore;
    return changed;
  }

  /// The log is read ahead by a second thread (WalReader::reading_ahead); a record log is not. Chainable.
  [[nodiscard]] constexpr RecoveryOptions read_ahead(bool ahead = true) const noexcept {
    RecoveryOptions changed = *this;
    changed.reads_ahead_ = ahead;
    return changed;
  }

  [[nodiscard]] constexpr ReadMode mode() const noexcept { return mode_; }
  [[nodiscard]] constexpr std::optional<EntryId> ceiling() const noexcept { return ceiling_; }
  [[nodiscard]] constexpr bool ignores_corrupt_checkpoint() const noexcept {
    return ignores_corrupt_checkpoint_;
  }
  [[nodiscard]] constexpr bool reads_ahead() const noexcept { return reads_ahead_; }

 private:
  constexpr RecoveryOptions(ReadMode mode, bool ignores_corrupt_checkpoint) noexcept
      : mode_(mode), ignores_corrupt_checkpoint_(ignores_corrupt_checkpoint) {}

  ReadMode mode_;
  bool ignores_corrupt_checkpoint_;
  bool reads_ahead_ = false;
  std::optional<EntryId> ceiling_;
};

}  // namespace durability
