// Every operation that the library asks of a disk fails (census.hpp): with every errno, once, for that kind
// of operation from then on, and for all. After each the program goes on as programs do (life.hpp), the disk
// is mended, and: nothing acknowledged is lost, the log opens, grows and recovers, in the same system and
// after a power cut.

#include <gtest/gtest.h>

#include "census.hpp"
#include "durability/testing/crash_directory.hpp"
#include "life.hpp"

namespace durability::faults {
namespace {

using testing::CrashDirectory;
using testing::CrashProfile;
using testing::FaultyDirectory;
using testing::RandomChooser;

struct Scenario {
  std::string_view before;  ///< played on a sound disk
  std::string_view letters;
  LifeOptions options = {};
  std::optional<std::uint64_t> power_cut = {};  ///< between the two: the seed of what it leaves
};

std::string play(const Scenario& scenario, Trap& trap) {
  auto disk = CrashDirectory::make({.sector_bytes = 64, .blocks_remember = false}).value();
  Life life(disk, scenario.options);
  life.play(scenario.before);
  if (scenario.power_cut) {
    RandomChooser chooser(*scenario.power_cut);
    disk = disk->after_power_cut(CrashProfile::weak(), chooser);
  }

  const auto faulty = FaultyDirectory::make(disk);
  trap.lay_under(*faulty);
  life.move_to(faulty, &trap);
  life.play(scenario.letters);
  faulty->mend();

  life.move_to(disk);
  life.play("roasrk");
  RandomChooser chooser(trap.seen().size());
  life.move_to(disk->after_power_cut(CrashProfile::ordered(), chooser));
  life.play("roasrc");
  return life.violation();
}

void expect_every_site_to_fail_well(const std::vector<Scenario>& scenarios) {
  Census census;
  for (const Scenario& scenario : scenarios) {
    const auto name = fmt::format("the life '{}', '{}'", scenario.before, scenario.letters);
    census.fail_every_operation(name, [&](Trap& trap) { return play(scenario, trap); });
    if (::testing::Test::HasFailure()) return;
  }
  census.report();
}

// The short lives first: what is only asked for after a fault is sought after the first and the last time
// that a site is met, so they come where nothing else is.
constexpr std::string_view kPublishes = "oaaspc";

TEST(FaultSites, InTheLifeOfALog) {
  expect_every_site_to_fail_well({{"", kPublishes}, {"", "oaasfbbpaAaswtafwapiraaasprcoasck"}});
}

TEST(FaultSites, InALogThatUsesItsSegmentsAgain) {
  expect_every_site_to_fail_well(
      {{"", kPublishes}, {"", "oaaaasaaaaaapwaaaaaaaapwaaaaaapcr", {.recycle_segments = 2}}});
}

TEST(FaultSites, InALogOfVersion3) {
  expect_every_site_to_fail_well({{"", kPublishes, {.format = WalFormat::kV3}},
                                  {"oaasafkx", "oc", {.format = WalFormat::kV3}},
                                  {"", "oaasfbbpaAasbafapiraaasprcoasck", {.format = WalFormat::kV3}}});
}

TEST(FaultSites, InALogOfVersion2) {
  expect_every_site_to_fail_well({{"", kPublishes, {.format = WalFormat::kV2}},
                                  {"oaasafkx", "oc", {.format = WalFormat::kV2}},
                                  {"", "oaasbbpaAafbprcoasc", {.format = WalFormat::kV2}}});
}

TEST(FaultSites, InALogThatGoesBackToVersion3) {
  expect_every_site_to_fail_well({{"oaasaaaakoaasaaac", "3oaaaaaaaasaaaprc"}});
}

TEST(FaultSites, InALogThatGoesOverToVersion4) {
  expect_every_site_to_fail_well({{"", kPublishes, {.format = WalFormat::kV3}},
                                  {"oaasafkx", "oc", {.format = WalFormat::kV3}},
                                  {"oaaasc", "4oaaaaaaaasaaaprc", {.format = WalFormat::kV3}},
                                  {"oaaasbbbsc", "4orc", {.format = WalFormat::kV3}}});
}

TEST(FaultSites, WhereATornTailIsSealed) {
  std::vector<Scenario> scenarios;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    scenarios.push_back({"oaasbbafAaf", "riosaasrc", {}, seed});
    scenarios.push_back({"oaaaasaaaaaaf", "rosc", {.segment_bytes = 256}, seed});
  }
  expect_every_site_to_fail_well(scenarios);
}

TEST(FaultSites, WhereATornTailIsCut) {
  expect_every_site_to_fail_well({{"oaasafkx", "riosrc", {.format = WalFormat::kV3}},
                                  {"oaasch", "riosrc", {.format = WalFormat::kV3}},
                                  {"z", "riosrc"}});
}

TEST(FaultSites, WhereALogIsTruncatedWithoutAWriter) {
  expect_every_site_to_fail_well(
      {{"oaaaasaaaaaaPaaac", "m"}, {"oaaaaaaaaaaaaaPaac", "m", {.format = WalFormat::kV3}}});
}

TEST(FaultSites, InPlainCheckpoints) { expect_every_site_to_fail_well({{"", "CC"}}); }

}  // namespace
}  // namespace durability::faults
