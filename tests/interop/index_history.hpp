#pragma once

// A segment index's log (WalEntry) with its checkpoints, which several writers had in turn, some of them the
// crate and some of them this library; and beside it what was appended, kept by the test itself.

#include <filesystem>
#include <string>
#include <vector>

#include "crate_program.hpp"
#include "durability/durability.hpp"
#include "durability/testing/random.hpp"
#include "log_files.hpp"
#include "tally.hpp"

namespace durability::interop {

/// As the crate's program spells it: rust/src/index.rs.
std::string spelled(const WalEntry& entry);
WalEntry random_entry(testing::SeededRandom& random);

class IndexHistory {
 public:
  IndexHistory(CrateProgram& crate, Scratch& scratch, std::uint64_t seed, Tally& tally)
      : crate_(crate), scratch_(scratch), random_(seed), tally_(tally), directory_(scratch.fresh()) {}

  /// One to four writers one after the other. After each: both read the entries that were appended, their
  /// bytes are those that we would write, and both recover what they make. Yields what is wrong, or nothing.
  std::string write(FirstWriter first);

  /// Damaged copies: both recover the same, or refuse with the same error.
  std::string compare_verdicts();

 private:
  struct Step {
    WalEntry entry;  ///< of a publication: the marker
    bool publish = false;
  };

  std::vector<Step> random_steps();
  std::string run_crate(const std::vector<Step>& steps, std::uint64_t segment_bytes);
  Status run_ours(const std::vector<Step>& steps, std::uint64_t segment_bytes);
  std::string check_entries();
  std::string check_checkpoints();
  std::string check_recovery();
  std::string damage_copy(const std::filesystem::path& copy);
  [[nodiscard]] IndexSegments segments_at(std::uint64_t id) const;

  CrateProgram& crate_;
  Scratch& scratch_;
  testing::SeededRandom random_;
  Tally& tally_;
  std::filesystem::path directory_;
  std::vector<WalEntry> entries_;       ///< entry 1 and so on, also those that truncation took away
  std::vector<std::string> published_;  ///< paths of checkpoints, in order
  std::string story_;
};

}  // namespace durability::interop
