#include "census.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "watched.hpp"

namespace durability::shortages {
namespace {

constexpr std::size_t kMostFailures = 4;

std::string_view setting(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value == nullptr ? "" : value;
}

std::string name_of(const Shortage& shortage) {
  return fmt::format("{} {} {}", kResourceNames.at(static_cast<std::size_t>(shortage.resource)),
                     kLastingNames.at(static_cast<std::size_t>(shortage.lasting)), shortage.number);
}

/// The sites of a run by number, and how often each was come to.
class Census {
 public:
  Census(const Life& life, Resource resource, Threads threads)
      : life_(life), resource_(resource), threads_(threads) {}

  void take() {
    if (!count()) return;
    for (const Lasting lasting : {Lasting::kOnce, Lasting::kFromThenOn}) fail(lasting, chosen());
    // Where threads take turns as they like another site may have had that number.
    for (int tries = 0; tries < 5 && !::testing::Test::HasFailure() && !missing().empty(); ++tries) {
      fail(Lasting::kOnce, missing());
    }
    report();
  }

  void repeat(const Shortage& shortage) { fail(shortage.lasting, {shortage.number}); }

 private:
  bool count() {
    const std::array<std::uint64_t, 1> only_count{0};
    Watched run(life_, {.resource = resource_, .lasting = {}, .number = 0}, only_count);
    const Outcome outcome = run.next();
    EXPECT_EQ(outcome.wrong, "") << "without any shortage";
    const auto& sites = Watched::sites();
    sites_.assign(sites.begin(), sites.begin() + static_cast<std::ptrdiff_t>(outcome.asked));
    there_.insert(sites_.begin(), sites_.end());
    return outcome.wrong.empty();
  }

  [[nodiscard]] std::vector<std::uint64_t> chosen() const {
    std::set<std::uint64_t> numbers;
    const bool all = setting("DURABILITY_SHORTAGES") == "all";
    std::map<std::uint64_t, std::uint64_t> last;
    for (std::uint64_t number = 1; number <= sites_.size(); ++number) {
      const std::uint64_t site = sites_[number - 1];
      if (all || !last.contains(site)) numbers.insert(number);
      last[site] = number;
    }
    for (const auto& [site, number] : last) numbers.insert(number);
    numbers.insert(sites_.size() + 1);  // is not come to, or there are more
    return {numbers.begin(), numbers.end()};
  }

  [[nodiscard]] std::vector<std::uint64_t> missing() const {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t number = 1; number <= sites_.size(); ++number) {
      if (!failed_.contains(sites_[number - 1])) numbers.push_back(number);
    }
    return numbers;
  }

  void fail(Lasting lasting, std::vector<std::uint64_t> numbers) {
    std::size_t failures = 0;
    for (std::size_t done = 0; done < numbers.size() && failures < kMostFailures;) {
      const auto next = std::span(numbers).subspan(done);
      Watched runs(life_, {.resource = resource_, .lasting = lasting, .number = 0}, next);
      Outcome outcome;
      for (std::size_t i = 0; i < next.size() && outcome.wrong.empty(); ++i, ++done) {
        outcome = runs.next();
        ++runs_;
        if (outcome.refused > 0) failed_.insert(outcome.first_refused.hash());
        if (outcome.wrong.empty()) continue;
        ++failures;
        blame({.resource = resource_, .lasting = lasting, .number = next[i]}, outcome);
      }
      // There were more than were counted.
      if (done == numbers.size() && outcome.refused > 0 && numbers.back() > sites_.size()) {
        numbers.push_back(numbers.back() + 1);
      }
    }
  }

  static void blame(const Shortage& shortage, const Outcome& outcome) {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    ADD_FAILURE() << outcome.wrong << "\nrepeat: DURABILITY_SHORTAGE='" << name_of(shortage)
                  << "' build/gcc/bin/shortages_test --gtest_filter=" << test->test_suite_name() << "."
                  << test->name();
    std::cerr << "what could not be had was asked for here:\n";
    print(outcome.first_refused);
  }

  void report() const {
    const auto both = std::ranges::count_if(there_, [&](auto site) { return failed_.contains(site); });
    std::cout << fmt::format("[shortages] {}s: {} of {} sites failed, come to {} times in {} runs\n",
                             kResourceNames.at(static_cast<std::size_t>(resource_)), both, there_.size(),
                             sites_.size(), runs_);
    if (threads_ == Threads::kMany || ::testing::Test::HasFailure()) return;
    EXPECT_EQ(static_cast<std::size_t>(both), there_.size()) << "sites were never made to fail";
  }

  const Life& life_;
  Resource resource_;
  Threads threads_;
  std::vector<std::uint64_t> sites_;  // of each time
  std::set<std::uint64_t> there_;
  std::set<std::uint64_t> failed_;
  std::uint64_t runs_ = 0;
};

/// DURABILITY_SHORTAGE: `allocation once 17`.
std::optional<Shortage> asked_for() {
  const std::string line(setting("DURABILITY_SHORTAGE"));
  for (std::size_t resource = 0; resource < kResourceNames.size(); ++resource) {
    for (std::size_t lasting = 0; lasting < kLastingNames.size(); ++lasting) {
      const auto begin = fmt::format("{} {} ", kResourceNames.at(resource), kLastingNames.at(lasting));
      if (!line.starts_with(begin)) continue;
      return Shortage{.resource = static_cast<Resource>(resource),
                      .lasting = static_cast<Lasting>(lasting),
                      .number = std::stoull(line.substr(begin.size()))};
    }
  }
  return std::nullopt;
}

}  // namespace

void expect_to_bear(const Life& life, const std::vector<Resource>& resources, Threads threads) {
  const auto one = asked_for();
  for (const Resource resource : resources) {
    Census census(life, resource, threads);
    if (one) {
      if (one->resource == resource) census.repeat(*one);
    } else {
      census.take();
    }
  }
}

}  // namespace durability::shortages
