#pragma once

// One fault, laid under one operation of a run: which, with which errno, and for how long.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/testing/faulty_directory.hpp"

namespace durability::faults {

enum class Lasting : std::uint8_t {
  kOnce,
  kThatKind,    ///< from then on every operation of that kind: a full disk can still be read
  kEverything,  ///< from then on every operation: the disk is gone
};

struct Fault {
  std::uint64_t number = 0;  ///< of the operation, counted from 0
  int os_error = EIO;
  Lasting lasting = Lasting::kOnce;
  std::vector<std::uint64_t> then = {};  ///< others after it that fail too

  /// The line that repeats it.
  [[nodiscard]] std::string to_string() const;
};

/// Every errno that an operation is failed with.
struct NamedErrno {
  int value;
  std::string_view name;
};
inline constexpr std::array<NamedErrno, 6> kErrnos{{{EIO, "EIO"},
                                                    {ENOSPC, "ENOSPC"},
                                                    {EDQUOT, "EDQUOT"},
                                                    {EINTR, "EINTR"},
                                                    {EMFILE, "EMFILE"},
                                                    {EROFS, "EROFS"}}};
inline constexpr std::array kAllLasting{Lasting::kOnce, Lasting::kThatKind, Lasting::kEverything};

/// Of space or descriptors: it passes.
[[nodiscard]] inline bool is_shortage(int os_error) noexcept {
  return os_error == ENOSPC || os_error == EDQUOT || os_error == EMFILE || os_error == ENFILE ||
         os_error == ENOMEM;
}

/// Where an operation acts, with every number in its path taken for the same: `sync_data wal/wal_#.log`.
[[nodiscard]] std::string site_of(const testing::OperationRecord& record);

/// Must outlive its work as a hook.
class Trap {
 public:
  explicit Trap(std::optional<Fault> fault = {}) : fault_(fault) {}

  void lay_under(testing::FaultyDirectory& directory) {
    directory.set_hook([this](const testing::OperationRecord& record) { return step_on(record); });
  }
  [[nodiscard]] const std::optional<Fault>& fault() const noexcept { return fault_; }
  /// Every operation of the run, in order.
  [[nodiscard]] const std::vector<testing::OperationRecord>& seen() const noexcept { return seen_; }
  /// Those that were made to fail.
  [[nodiscard]] const std::vector<testing::OperationRecord>& failed() const noexcept { return failed_; }

 private:
  std::optional<testing::Injection> step_on(const testing::OperationRecord& record);
  testing::OperationRecord by_its_name_now(testing::OperationRecord record);
  [[nodiscard]] bool springs(std::uint64_t number) const;

  std::optional<Fault> fault_;
  std::vector<testing::OperationRecord> seen_;
  std::vector<testing::OperationRecord> failed_;
  std::map<std::string, std::string> names_now_;
};

}  // namespace durability::faults
