// The life of a log with one writer, every shortage in it.

#include <gtest/gtest.h>

#include "census.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

struct Script {
  std::string_view letters;
  WalOptions options = small_segments();
};

/// Its background work is done by hand, so that each run is like the others.
std::string live_by_hand(const Script& script, const InShortage& in_shortage, bool may_end) {
  const Place place;
  const auto worker = std::make_shared<HandWorker>();
  WalOptions options = script.options;
  options.worker = worker;
  Program program(place, options, worker.get());
  in_shortage([&] { program.play(script.letters); });
  if (program.was_ended() && !may_end) return "a writer was ended by a lack of descriptors";
  const bool publishes = script.letters.find('p') != std::string_view::npos;
  return publishes ? program.judge_recovery() : program.judge_log();
}

void expect_to_bear_by_hand(const Script& script) {
  for (const Resource resource : {Resource::kAllocation, Resource::kDescriptor}) {
    const bool may_end = resource == Resource::kAllocation;
    expect_to_bear([&](const InShortage& in_shortage) { return live_by_hand(script, in_shortage, may_end); },
                   {resource});
  }
}

WalOptions with_recycling() {
  WalOptions options = small_segments();
  options.recycle_segments = 2;
  return options;
}

WalOptions of_version_3() {
  WalOptions options = small_segments();
  options.format = WalFormat::kV3;
  return options;
}

TEST(LogShortages, InALogWhoseBackgroundWorkIsDoneByHand) {
  expect_to_bear_by_hand({"aaasbaaaaaaaawtsmaaaaaaaaaawfsmaaaaaacaasaaaaaaaaaaaac"});
}

TEST(LogShortages, InALogThatUsesItsSegmentsAgain) {
  expect_to_bear_by_hand({"aaaasaaaaaaaawaasmaaaaaaaawaaaasmaaaawaaac", with_recycling()});
}

TEST(LogShortages, InALogOfVersion3) {
  expect_to_bear_by_hand({"aaasbaaaaaaawsmaaaaaacaasaaac", of_version_3()});
}

// Where marker and checkpoint are words of the same log, nothing may be lost between them.
TEST(LogShortages, InALogThatPublishes) { expect_to_bear_by_hand({"aaaaaaaapwaaaaaaaaaaaapaac"}); }

TEST(LogShortages, InALogWithAThreadOfItsOwn) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        Program program(place, small_segments());
        in_shortage([&] { program.play("aaasbaaaaaaaatsmaaaaaaaaaafsmaaaaaacaasaaaaaac"); });
        return program.judge_log();
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
