#pragma once

// A log that several writers had in turn, some of them the crate and some of them this library, with what is
// known of it: what was appended, and how much of that was flushed.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "../compat/crate_verdicts.hpp"
#include "crate_program.hpp"
#include "log_files.hpp"
#include "session.hpp"
#include "tally.hpp"

namespace durability::interop {

class History {
 public:
  History(CrateProgram& crate, Scratch& scratch, std::uint64_t seed);

  /// One to four writers one after the other. After each, every reader that knows the format reads what was
  /// appended, up to what a kill may have cost. Yields what is wrong, or nothing.
  std::string write(FirstWriter first, Tally& tally);

  /// The crate, made to rotate where this log does, writes the same bytes, padding aside.
  std::string compare_bytes();

  /// Strict, best effort and resuming: on the log as it is, then on damaged copies.
  std::string compare_verdicts(int damaged_copies, Tally& tally);

 private:
  [[nodiscard]] std::vector<Writer> possible_writers() const;
  std::string run_session(Writer writer);
  [[nodiscard]] bool ends_torn() const;
  std::string check_readers(std::uint64_t least, std::uint64_t most);
  std::string check_old_crates(const json& strict, const json& best_effort);
  std::string truncate();
  std::string compare_verdicts_of(const std::filesystem::path& log, std::string_view what, Tally& tally);

  CrateProgram& crate_;
  Scratch& scratch_;
  testing::SeededRandom random_;
  std::filesystem::path directory_;
  std::uint64_t first_ = 1;     ///< the id of entries_.front()
  std::vector<Bytes> entries_;  ///< what the log holds
  std::string story_;           ///< for the message of a failure
  bool by_age_ = false;
};

/// Damages the log in one of many ways; says how.
std::string damage(const std::filesystem::path& directory, testing::SeededRandom& random);
/// The same with one file, which has a header of `header_bytes`, if it has so many.
std::string damage_file(const std::filesystem::path& file, std::size_t header_bytes,
                        testing::SeededRandom& random);

}  // namespace durability::interop
