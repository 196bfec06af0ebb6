// V15: a reader beside a writer. The writer goes on between any two calls of the reader, so that early
// parts of what is read are older than late ones; 640,000 readings of a draft that took that for damage gave
// 17,192 false reports.

#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/random.hpp"
#include "history_subject.hpp"

namespace durability::crash {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using testing::SeededRandom;

struct LiveReading {
  std::string wrong;
  std::optional<ErrorCode> code;
};

// One reading beside a writer who takes up to `pace` steps between two calls.
LiveReading read_beside_a_writer(std::uint64_t seed, const Settings& settings) {
  SeededRandom random(seed);
  const bool truncates = random.one_in(2);
  const std::string_view letters = truncates ? "aaAbfsRrpPPT" : "aaAbfsRrpPP";
  const auto letter = [&] { return letters.substr(random.below(letters.size()), 1); };
  const auto directory = CrashDirectory::make({.sector_bytes = settings.sector_bytes}).value();
  testing::Machine machine(directory);
  Run run(machine, settings, Model());
  run.play("");
  for (std::uint64_t steps = random.below(12); steps > 0; --steps) run.play(letter());

  const std::uint64_t floor = run.model().last_flushed();
  const std::uint64_t pace = 1 + random.below(4);
  const auto beside = FaultyDirectory::make(directory);
  beside->set_hook([&](const testing::OperationRecord&) -> std::optional<testing::Injection> {
    for (std::uint64_t steps = random.one_in(2) ? random.below(pace + 1) : 0; steps > 0; --steps) {
      run.play(letter());
    }
    return std::nullopt;
  });
  const auto mode = random.one_in(2) ? ReadMode::kStrict : ReadMode::kBestEffort;
  const Reading reading = read_log(beside, mode);
  LiveReading result;
  result.wrong = run.violation();
  if (reading.error) {
    result.code = reading.error->code();
    const bool torn = *result.code == ErrorCode::kTornTail && mode == ReadMode::kStrict;
    // Truncated away before it was read; or the writer was never still for sixteen readings.
    const bool gone = *result.code == ErrorCode::kTruncatedAway || *result.code == ErrorCode::kBusy;
    if (!torn && !gone) result.wrong = reading.error->to_string();
  }
  if (result.wrong.empty()) {
    result.wrong = run.model().objection_to_live(reading, reading.error ? 0 : floor);
  }
  return result;
}

TEST(LiveReader, NeverTakesAWritersProgressForDamage) {
  const std::vector<Settings> settings = all_settings();
  std::map<std::string, std::uint64_t> outcomes;
  for (std::uint64_t seed = 0; seed < scaled(3000); ++seed) {
    const LiveReading result = read_beside_a_writer(seed, settings[seed % settings.size()]);
    ASSERT_EQ(result.wrong, "") << "seed " << seed;
    ++outcomes[result.code ? std::string(code_name(*result.code)) : "ok"];
  }
  for (const auto& [outcome, count] : outcomes)
    std::cout << fmt::format("[ readings ] {}: {}\n", outcome, count);
  EXPECT_GT(outcomes["ok"], 0U);
}

}  // namespace
}  // namespace durability::crash
