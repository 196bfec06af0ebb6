// The explorer finds what is wrong with programs that are wrong in known ways, and nothing where nothing is.

#include "durability/testing/explorer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durability/base/bytes.hpp"

namespace durability::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What a counter's author forgot.
enum class Mistake : std::uint8_t { kNone, kNoSync, kInPlace, kRecoveryTakesItAway, kFailsWithoutCrash };

/// Keeps a number in a file, and adds one to it several times; each time it is durable, it was promised.
class Counter final : public CrashSubject {
 public:
  explicit Counter(Mistake mistake, int additions = 3) : mistake_(mistake), additions_(additions) {}

  std::string work(Machine& machine) override {
    if (mistake_ == Mistake::kFailsWithoutCrash) return "wrong from the start";
    for (int i = 0; i < additions_; ++i) {
      if (!add_one(*machine.directory())) return {};
    }
    return {};
  }

  std::string recover(Machine& machine, const Crash& /*crash*/) override {
    const auto number = read(*machine.directory());
    if (!number) return number.error().to_string().find("injected:") == std::string::npos ? "unreadable" : "";
    if (*number < promised_) return fmt::format("{} was promised, {} is there", promised_, *number);
    if (mistake_ == Mistake::kRecoveryTakesItAway) {
      const Status removed = machine.directory()->remove_durable("number");
      static_cast<void>(removed);
    }
    return {};
  }

  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override {
    return std::make_unique<Counter>(*this);
  }
  [[nodiscard]] std::string name() const override { return fmt::format("counter {}", additions_); }
  [[nodiscard]] std::vector<std::unique_ptr<CrashSubject>> smaller() const override {
    std::vector<std::unique_ptr<CrashSubject>> less;
    if (additions_ > 1) less.push_back(std::make_unique<Counter>(mistake_, additions_ - 1));
    return less;
  }

 private:
  static Result<std::uint64_t> read(Directory& directory) {
    DURABILITY_TRY_ASSIGN(const bool there, directory.exists("number"));
    if (!there) return std::uint64_t{0};
    DURABILITY_TRY_ASSIGN(const Bytes bytes, directory.read_file("number", 8));
    if (bytes.size() != 8) return Error(ErrorCode::kTruncated, "a number has 8 bytes");
    return load_le<std::uint64_t>(bytes, 0);
  }

  bool add_one(Directory& directory) {
    const auto before = read(directory);
    if (!before) return false;
    Bytes bytes(8);
    store_le(bytes, 0, *before + 1);
    Status written;
    if (mistake_ == Mistake::kNoSync) {
      written = directory.atomic_write("number", bytes);
    } else if (mistake_ == Mistake::kInPlace) {
      const auto file = directory.create("number");
      written = file ? (*file)->write_at(0, bytes) : Status(file.error());
      if (written) written = (*file)->sync_data();
      if (written) written = directory.sync_directory("");
    } else {
      written = directory.write_durable("number", bytes);
    }
    if (written) promised_ = *before + 1;
    return written.has_value();
  }

  Mistake mistake_;
  int additions_;
  std::uint64_t promised_ = 0;
};

std::string failure_of(const Counter& counter, ExplorerOptions options = {}) {
  Explorer explorer(std::move(options));
  explorer.explore(counter);
  return explorer.failure();
}

TEST(Explorer, FindsNothingWrongWithAProgramThatIsRight) {
  Explorer explorer({.depth = 2});
  explorer.explore(Counter(Mistake::kNone));
  EXPECT_EQ(explorer.failure(), "");
  EXPECT_EQ(explorer.subjects(), 1U);
  EXPECT_GT(explorer.cuts(), 9U);
  for (const ExploredWay& way : explorer.ways()) {
    EXPECT_GE(way.states, way.unique) << way.name;
    EXPECT_GT(way.unique, 0U) << way.name;
    EXPECT_EQ(way.exhaustive_cuts + way.sampled_cuts, explorer.cuts()) << way.name;
  }
  EXPECT_THAT(explorer.report(), HasSubstr("hostile"));
}

TEST(Explorer, FindsASyncThatIsMissing) {
  EXPECT_THAT(failure_of(Counter(Mistake::kNoSync)), HasSubstr("promised"));
}

TEST(Explorer, FindsAFileThatIsOverwrittenInPlace) {
  EXPECT_THAT(failure_of(Counter(Mistake::kInPlace)), HasSubstr("unreadable"));
}

TEST(Explorer, FindsAMistakeThatOnlyACrashInsideRecoveryShows) {
  EXPECT_EQ(failure_of(Counter(Mistake::kRecoveryTakesItAway), {.depth = 0}), "");
  const ExplorerOptions every_cut{.depth = 1, .recovery_cuts = 0};
  EXPECT_THAT(failure_of(Counter(Mistake::kRecoveryTakesItAway), every_cut), HasSubstr("promised"));
}

TEST(Explorer, FindsWhatIsWrongWithoutACrash) {
  EXPECT_THAT(failure_of(Counter(Mistake::kFailsWithoutCrash)), HasSubstr("| 0:-:-\n  wrong from the start"));
}

TEST(Explorer, ShrinksAFailureToTheSmallestSubjectAndTheFewestLosses) {
  const std::string failure = failure_of(Counter(Mistake::kNoSync, 6));
  EXPECT_THAT(failure, StartsWith("counter 1 | "));
  const std::string unshrunk = failure_of(Counter(Mistake::kNoSync, 6), {.shrink_runs = 0});
  EXPECT_THAT(unshrunk, StartsWith("counter 6 | "));
}

TEST(Explorer, TheLineOfAFailureLeadsToItAgain) {
  for (const Mistake mistake : {Mistake::kNoSync, Mistake::kInPlace, Mistake::kRecoveryTakesItAway}) {
    const ExplorerOptions options{.recovery_cuts = 0, .shrink_runs = 0};
    const std::string failure = failure_of(Counter(mistake), options);
    const auto bar = failure.find(" | ");
    ASSERT_NE(bar, std::string::npos) << failure;
    const auto path = parse_crash_path(failure.substr(bar + 3, failure.find('\n') - bar - 3));
    ASSERT_TRUE(path) << path.error();
    std::string story;
    const auto wrong = follow(Counter(mistake), options.disk, options.profiles, *path, &story);
    EXPECT_FALSE(wrong.empty());
    EXPECT_THAT(failure, HasSubstr(wrong));
    EXPECT_THAT(story, HasSubstr("-- left by"));
  }
}

TEST(CrashPath, PrintsAndReadsTheSame) {
  const CrashPath path{{14, "hostile", "0.2"}, {3, "kill", "-"}, {0, "-", "-"}};
  EXPECT_EQ(to_string(path), "14:hostile:0.2 3:kill:- 0:-:-");
  EXPECT_EQ(parse_crash_path(to_string(path)).value(), path);
  for (const char* line : {"", "14", "14:kill", "x:kill:-", "14:kill:a", "14:kill:1.", ":kill:-"}) {
    const auto parsed = parse_crash_path(line);
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidConfig);
  }
}

TEST(Machine, CountsOverKillsAndKeepsTheCut) {
  Machine machine(CrashDirectory::make(), 6);
  EXPECT_TRUE(machine.directory()->atomic_write("a", as_bytes("1")));
  const std::uint64_t before = machine.operations();
  machine.kill();
  EXPECT_EQ(machine.operations(), before);
  EXPECT_TRUE(machine.directory()->exists("a").value());
  EXPECT_FALSE(machine.dead());
  EXPECT_FALSE(machine.directory()->write_durable("b", as_bytes("2")));
  EXPECT_TRUE(machine.dead());
}

}  // namespace
}  // namespace durability::testing
