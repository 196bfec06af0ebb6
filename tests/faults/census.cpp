#include "census.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>

namespace durability::faults {
namespace {

using testing::OperationRecord;

constexpr std::uint64_t kWays = kErrnos.size() * kAllLasting.size();

bool sampled(std::uint64_t number) {
  const char* factor = std::getenv("DURABILITY_CRASH_SAMPLES");
  return factor == nullptr || static_cast<double>(number % 100) < 100 * std::strtod(factor, nullptr);
}

}  // namespace

// Yields what the run did.
std::vector<OperationRecord> Census::try_one(const Fault& fault) {
  Trap trap(fault);
  EXPECT_EQ(play_(trap), "") << name_ << ", " << fault.to_string();
  EXPECT_FALSE(trap.failed().empty()) << name_ << ", " << fault.to_string() << ": never came";
  ++runs_;
  for (const auto& record : trap.seen()) there_.insert(site_of(record));
  for (const auto& record : trap.failed()) failed_.insert(site_of(record));
  return trap.seen();
}

void Census::try_every_way(std::uint64_t number) {
  for (const NamedErrno& named : kErrnos) {
    for (const Lasting lasting : kAllLasting) {
      const Fault fault{.number = number, .os_error = named.value, .lasting = lasting};
      const auto seen = try_one(fault);
      if (lasting == Lasting::kOnce) try_after(fault, seen);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

// What is asked for only after a fault fails too; and what is asked for only after both.
void Census::try_after(const Fault& first, const std::vector<OperationRecord>& seen) {
  const std::uint64_t begin = first.then.empty() ? first.number : first.then.back();
  for (std::uint64_t n = begin + 1; n < seen.size(); ++n) {
    const std::string site = site_of(seen[n]);
    if (on_a_sound_disk_.contains(site) || !after_a_fault_.insert(site).second) continue;
    for (const NamedErrno& named : kErrnos) {
      Fault both = first;
      both.os_error = named.value;
      both.then.push_back(n);
      try_after(both, try_one(both));
    }
  }
}

void Census::fail_every_operation(std::string_view name, const Play& play) {
  name_ = name;
  play_ = play;
  Trap sound;
  ASSERT_EQ(play(sound), "") << name << ", without any fault";
  const auto& operations = sound.seen();
  std::map<std::string, std::uint64_t> last;  // of the sites that are new
  for (std::uint64_t n = 0; n < operations.size(); ++n) {
    const std::string site = site_of(operations[n]);
    if (!on_a_sound_disk_.contains(site)) last[site] = n;
  }
  for (const auto& [site, n] : last) on_a_sound_disk_.insert(site);
  std::set<std::string> begun;
  for (std::uint64_t n = 0; n < operations.size(); ++n) {
    const std::string site = site_of(operations[n]);
    const auto end = last.find(site);
    if (end != last.end() && (begun.insert(site).second || end->second == n)) {
      try_every_way(n);
    } else if (sampled(n)) {
      const auto turn = runs_ % kWays;
      const Fault fault{.number = n,
                        .os_error = kErrnos.at(turn / kAllLasting.size()).value,
                        .lasting = kAllLasting.at(turn % kAllLasting.size())};
      const auto seen = try_one(fault);
      if (fault.lasting == Lasting::kOnce) try_after(fault, seen);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

void Census::report() const {
  std::cout << fmt::format("[  faults  ] sites failed / sites there: {} / {}, {} runs\n", failed_.size(),
                           there_.size(), runs_);
  for (const std::string& site : there_) {
    EXPECT_TRUE(failed_.contains(site)) << site << " was never made to fail";
  }
}

}  // namespace durability::faults
