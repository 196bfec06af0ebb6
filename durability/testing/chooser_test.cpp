#include "durability/testing/chooser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace durability::testing {
namespace {

using ::testing::ElementsAre;

TEST(ExhaustiveChooser, RunsEverySequenceOnceTheMildestFirst) {
  ExhaustiveChooser chooser;
  std::vector<std::string> seen;
  while (chooser.next()) {
    // The second choice has as many options as the first one leaves it.
    if (chooser.choose(3) == 1) static_cast<void>(chooser.choose(2));
    seen.push_back(chooser.choices());
  }
  EXPECT_THAT(seen, ElementsAre("-", "1", "1.1", "2"));
  EXPECT_EQ(chooser.runs(), 4U);
  EXPECT_FALSE(chooser.diverged());
}

TEST(ExhaustiveChooser, RunsOnceWhereThereIsNothingToChoose) {
  ExhaustiveChooser chooser;
  ASSERT_TRUE(chooser.next());
  EXPECT_EQ(chooser.choose(1), 0U);
  EXPECT_EQ(chooser.choose(0), 0U);
  EXPECT_FALSE(chooser.next());
}

TEST(ExhaustiveChooser, MultipliesIndependentChoices) {
  ExhaustiveChooser chooser;
  std::set<std::string> seen;
  while (chooser.next()) {
    for (const std::uint64_t options : {2U, 3U, 4U}) ASSERT_LT(chooser.choose(options), options);
    seen.insert(chooser.choices());
  }
  EXPECT_EQ(chooser.runs(), 24U);
  EXPECT_EQ(seen.size(), 24U);
}

TEST(ExhaustiveChooser, NoticesThatWhatItRunsIsNotDeterministic) {
  ExhaustiveChooser chooser;
  std::uint64_t options = 5;
  while (chooser.next() && !chooser.diverged()) ASSERT_LT(chooser.choose(--options), options);
  EXPECT_TRUE(chooser.diverged());
}

TEST(RandomChooser, RepeatsWithItsSeed) {
  RandomChooser first(7);
  RandomChooser second(7);
  RandomChooser other(8);
  for (int round = 0; round < 50; ++round) {
    const auto chosen = first.choose(10);
    ASSERT_LT(chosen, 10U);
    ASSERT_EQ(chosen, second.choose(10));
    static_cast<void>(other.choose(10));
  }
  EXPECT_NE(first.choices(), other.choices());
}

TEST(ReplayChooser, RepeatsThePrintedLine) {
  RandomChooser random(3);
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t options = 1; options < 40; ++options) chosen.push_back(random.choose(options));
  ReplayChooser replay(ReplayChooser::parse(random.choices()).value());
  for (std::uint64_t options = 1; options < 40; ++options)
    ASSERT_EQ(replay.choose(options), chosen[options - 1]);
  EXPECT_EQ(replay.choices(), random.choices());
  EXPECT_EQ(replay.choose(9), 0U) << "past its end";
}

TEST(ReplayChooser, RefusesWhatIsNotAListOfChoices) {
  EXPECT_THAT(ReplayChooser::parse("0.12.3").value(), ElementsAre(0, 12, 3));
  EXPECT_TRUE(ReplayChooser::parse("-").value().empty());
  for (const std::string_view text : {"", ".", "1.", "1..2", "a", "-1", "1-2", "99999999999999999999"}) {
    const auto parsed = ReplayChooser::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidConfig);
  }
}

}  // namespace
}  // namespace durability::testing
