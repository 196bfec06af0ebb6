#pragma once

// What must be in a log, and whether it is.

#include <map>

#include "life.hpp"

namespace durability::soak {

/// Remembers a life's acknowledgements until they have been compared with what the log holds; of all earlier
/// lives it keeps a digest. So its size does not depend on how long it runs.
class Ledger {
 public:
  Ledger(std::shared_ptr<Directory> directory, bool record_log)
      : directory_(std::move(directory)), record_log_(record_log) {}

  void acknowledge(const Acknowledgement& said);
  /// Opens the log as the next writer does, closes it, and compares. `life` is the one that just ended.
  void settle(std::uint32_t life);
  /// What a reader sees beside the writer may be any prefix, but no damage.
  void look_on() const;

  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return all_acknowledged_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return state_.count; }

 private:
  void reopen() const;
  void compare(std::uint32_t life);
  template <class Fn>
  void for_each_new(Fn&& fn) const;

  std::shared_ptr<Directory> directory_;
  bool record_log_;
  std::map<std::uint64_t, Serial> acknowledged_;  // of the present life, by id
  std::uint64_t all_acknowledged_ = 0;
  Digest state_;  // of all that was compared
};

}  // namespace durability::soak
