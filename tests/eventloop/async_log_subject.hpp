#pragma once

// An AsyncWal under the crash explorer: appends begin, are carried to the log, acknowledged, given up and
// lost in an order drawn from a seed, by hand, without a thread. Whatever was acknowledged before the crash
// must be there after it.

#include <map>
#include <string>

#include "durability/testing/explorer.hpp"

namespace durability::eventloop {

class AsyncLogSubject final : public testing::CrashSubject {
 public:
  struct Plan {
    std::uint64_t seed = 0;
    int appends = 12;
    bool losses = false;  ///< completions get lost
  };
  explicit AsyncLogSubject(Plan plan) : plan_(plan) {}

  std::string work(testing::Machine& machine) override;
  std::string recover(testing::Machine& machine, const testing::Crash& crash) override;
  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override;
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::vector<std::unique_ptr<CrashSubject>> smaller() const override;

  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_.size(); }
  /// Whether completions came in another order than that of the log.
  [[nodiscard]] bool reordered() const { return reordered_; }

 private:
  class Run;

  Plan plan_;
  std::map<std::uint64_t, std::string> acknowledged_;  // entry id -> entry
  int told_ = 0;
  bool reordered_ = false;
};

}  // namespace durability::eventloop
