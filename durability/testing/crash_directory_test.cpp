#include "durability/testing/crash_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "durability/testing/random.hpp"

namespace durability::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::shared_ptr<CrashDirectory> small_sectors(std::size_t sector_bytes = 8) {
  return CrashDirectory::make({.sector_bytes = sector_bytes}).value();
}

// The file's text, `(none)` where there is no such file; zero bytes as dots.
std::string text_of(Directory& directory, std::string_view path) {
  const auto contents = directory.read_file(path, 1U << 20U);
  if (!contents)
    return contents.error().code() == ErrorCode::kNotFound ? "(none)" : contents.error().to_string();
  std::string text(as_text(*contents));
  std::replace(text.begin(), text.end(), '\0', '.');
  return text;
}

void write_synced(Directory& directory, std::string_view path, std::string_view text) {
  ASSERT_TRUE(directory.write_durable(path, as_bytes(text)));
}

// Calls `check` on every directory that a power cut may leave, and says how many there are.
std::uint64_t for_each_cut(CrashDirectory& directory, const CrashProfile& profile,
                           const std::function<void(CrashDirectory&)>& check) {
  ExhaustiveChooser chooser;
  while (chooser.next()) {
    SCOPED_TRACE(fmt::format("profile {}, ReplayChooser({{{}}})", profile.name, chooser.choices()));
    check(*directory.after_power_cut(profile, chooser));
  }
  EXPECT_FALSE(chooser.diverged());
  return chooser.runs();
}

std::set<std::string> outcomes(CrashDirectory& directory, const CrashProfile& profile,
                               std::string_view path) {
  std::set<std::string> seen;
  for_each_cut(directory, profile, [&](CrashDirectory& after) { seen.insert(text_of(after, path)); });
  return seen;
}

TEST(CrashDirectory, LosesAnUnsyncedNameThoughItsFileIsSynced) {
  const auto directory = small_sectors();
  const auto file = directory->create("x").value();
  ASSERT_TRUE(file->write_at(0, as_bytes("text")));
  ASSERT_TRUE(file->sync_data());
  EXPECT_FALSE(directory->all_synced());
  EXPECT_THAT(outcomes(*directory, CrashProfile::weak(), "x"), UnorderedElementsAre("(none)", "text"));
  EXPECT_THAT(outcomes(*directory, CrashProfile::ordered(), "x"), ElementsAre("text"));
}

TEST(CrashDirectory, LosesUnsyncedBytesUnderASyncedName) {
  const auto directory = small_sectors();
  const auto file = directory->create("x").value();
  ASSERT_TRUE(file->write_at(0, as_bytes("text")));
  ASSERT_TRUE(directory->sync_directory(""));
  EXPECT_THAT(outcomes(*directory, CrashProfile::weak(), "x"), UnorderedElementsAre("", "....", "text"));
}

TEST(CrashDirectory, LosesNothingThatIsDurableUnderAnyProfile) {
  const auto directory = small_sectors();
  write_synced(*directory, "a/x", "what is durable stays");
  write_synced(*directory, "y", "and so does this");
  ASSERT_TRUE(directory->all_synced());
  const auto before = directory->fingerprint();
  for (const CrashProfile& profile : kAllCrashProfiles) {
    const auto states = for_each_cut(*directory, profile, [&](CrashDirectory& after) {
      EXPECT_EQ(after.fingerprint(), before);
      EXPECT_TRUE(after.all_synced());
    });
    EXPECT_EQ(states, 1U) << profile.name;
  }
}

// Random changes, then a cut: each file that was not touched since its sync, name and bytes, is there.
TEST(CrashDirectory, LosesNothingDurableBesideUnsyncedWork) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    const auto directory = small_sectors();
    write_synced(*directory, "kept/a", "durable bytes of a");
    write_synced(*directory, "kept/b", "durable bytes of b, and these may grow");
    const auto grown = directory->open("kept/b", OpenMode::kReadWrite).value();
    for (int step = 0; step < 8; ++step) {
      switch (random.below(5)) {
        case 0: ASSERT_TRUE(directory->create(fmt::format("kept/{}", random.below(3)))); break;
        case 1: ASSERT_TRUE(directory->remove(fmt::format("kept/{}", random.below(3)))); break;
        case 2: static_cast<void>(directory->rename("kept/0", "other/0")); break;
        case 3: ASSERT_TRUE(grown->append(random.bytes(random.below(20)))); break;
        default: ASSERT_TRUE(directory->sync_directory("kept"));
      }
    }
    for (const CrashProfile& profile : kAllCrashProfiles) {
      RandomChooser chooser(seed);
      const auto after = directory->after_power_cut(profile, chooser);
      EXPECT_EQ(text_of(*after, "kept/a"), "durable bytes of a") << profile.name;
      EXPECT_THAT(text_of(*after, "kept/b"), StartsWith("durable bytes of b, and these may grow"))
          << profile.name;
    }
  }
}

TEST(CrashDirectory, AKillKeepsThePageCacheButMakesNothingDurable) {
  const auto directory = small_sectors();
  const auto file = directory->create("x").value();
  ASSERT_TRUE(file->write_at(0, as_bytes("text")));
  const auto killed = directory->after_kill();
  EXPECT_EQ(text_of(*killed, "x"), "text");
  EXPECT_FALSE(killed->all_synced());
  EXPECT_EQ(killed->operations(), 0U);
  EXPECT_THAT(outcomes(*killed, CrashProfile::ordered(), "x"), UnorderedElementsAre("(none)", "", "text"));
}

// The successor's own sync is what makes its predecessor's writes durable (V8, V21).
TEST(CrashDirectory, ANewProcessCanSyncWhatAKilledOneWrote) {
  const auto directory = small_sectors();
  ASSERT_TRUE(directory->create("x").value()->write_at(0, as_bytes("text")));
  const auto killed = directory->after_kill();
  ASSERT_TRUE(killed->open("x", OpenMode::kReadWrite).value()->sync_data());
  ASSERT_TRUE(killed->sync_directory(""));
  EXPECT_THAT(outcomes(*killed, CrashProfile::hostile(), "x"), ElementsAre("text"));
}

TEST(CrashDirectory, ASyncThatIsCutOffMayHaveWrittenAnything) {
  const auto directory = small_sectors();
  write_synced(*directory, "x", "aaaaaaaabbbbbbbb");
  const auto file = directory->open("x", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("AAAAAAAABBBBBBBB")));
  directory->cut_after(directory->operations());
  ASSERT_FALSE(file->sync_data());
  EXPECT_THAT(
      outcomes(*directory, CrashProfile::ordered(), "x"),
      UnorderedElementsAre("aaaaaaaabbbbbbbb", "AAAAAAAAbbbbbbbb", "aaaaaaaaBBBBBBBB", "AAAAAAAABBBBBBBB"));
}

// Three sectors, each new, old or zero, under two sizes and under a name that persists or not.
TEST(CrashDirectory, OffersExactlyTheStatesOfTheModel) {
  const auto directory = small_sectors();
  write_synced(*directory, "x", "aaaaaaaabbbbbbbb");
  const auto file = directory->open("x", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("AAAAAAAABBBBBBBBCCCCCCCC")));
  ASSERT_TRUE(directory->rename("x", "y"));
  std::set<std::uint64_t> distinct;
  const auto runs = for_each_cut(*directory, CrashProfile::writeback(),
                                 [&](CrashDirectory& after) { distinct.insert(after.fingerprint()); });
  // The size old: 3 * 3; the size new: 3 * 3, times 2 (where nothing was, old is zero).
  EXPECT_EQ(runs, 2U * (9U + 18U));
  EXPECT_EQ(distinct.size(), runs);
}

// V16: after a failed fsync the cache may show what the disk never got.
TEST(CrashDirectory, AForgetfulSyncIsFollowedByASyncThatProvesNothing) {
  const auto directory = small_sectors();
  write_synced(*directory, "x", "old text");
  const auto file = directory->open("x", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("new text")));
  directory->fail_next_sync(SyncFailure::kForget);
  const Status failed = file->sync_data();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), StartsWith("injected:"));
  const auto killed = directory->after_kill();
  const auto reopened = killed->open("x", OpenMode::kReadWrite).value();
  ASSERT_TRUE(reopened->sync_data());
  EXPECT_EQ(text_of(*killed, "x"), "new text");
  ASSERT_TRUE(reopened->drop_cached_pages());
  EXPECT_EQ(text_of(*killed, "x"), "old text");
  EXPECT_THAT(outcomes(*killed, CrashProfile::ordered(), "x"), ElementsAre("old text"));
}

// V26: names that a failed directory sync dropped are seen, and lost.
TEST(CrashDirectory, AForgetfulDirectorySyncLosesNamesThatAreStillSeen) {
  const auto directory = small_sectors();
  ASSERT_TRUE(directory->create("x"));
  directory->fail_next_directory_sync(SyncFailure::kForget);
  ASSERT_FALSE(directory->sync_directory(""));
  ASSERT_TRUE(directory->sync_directory(""));
  EXPECT_EQ(text_of(*directory, "x"), "");
  EXPECT_THAT(outcomes(*directory, CrashProfile::ordered(), "x"), ElementsAre("(none)"));
}

TEST(CrashDirectory, HostileSectorsShowBytesThatADeletedFileLeft) {
  const auto directory = small_sectors();
  write_synced(*directory, "old", "stale!!!");
  ASSERT_TRUE(directory->remove_durable("old"));
  ASSERT_TRUE(directory->create("x").value()->write_at(0, as_bytes("12345678")));
  EXPECT_THAT(outcomes(*directory, CrashProfile::hostile(), "x"), ::testing::Contains("stale!!!"));
  EXPECT_THAT(outcomes(*directory, CrashProfile::weak(), "x"),
              ::testing::Not(::testing::Contains("stale!!!")));
}

TEST(CrashDirectory, HostileSectorsShowBytesOfAFileThatWasReplacedOrTruncated) {
  const auto replaced = small_sectors();
  write_synced(*replaced, "old", "stale!!!");
  write_synced(*replaced, "old", "");
  ASSERT_TRUE(replaced->create("x").value()->write_at(0, as_bytes("12345678")));
  EXPECT_THAT(outcomes(*replaced, CrashProfile::hostile(), "x"), ::testing::Contains("stale!!!"));

  const auto truncated = small_sectors();
  write_synced(*truncated, "old", "stale!!!");
  ASSERT_TRUE(truncated->create("old").value()->sync_data());
  ASSERT_TRUE(truncated->create("x").value()->write_at(0, as_bytes("12345678")));
  EXPECT_THAT(outcomes(*truncated, CrashProfile::hostile(), "x"), ::testing::Contains("stale!!!"));
}

// V9: what one power cut took away comes back after the next.
TEST(CrashDirectory, HostileSectorsShowBytesThatAnEarlierPowerCutLost) {
  const auto directory = small_sectors();
  write_synced(*directory, "x", "");
  ASSERT_TRUE(directory->open_append("x").value()->append(as_bytes("stale!!!")));
  ReplayChooser size_lost({1});
  const auto after = directory->after_power_cut(CrashProfile::hostile(), size_lost);
  ASSERT_EQ(text_of(*after, "x"), "");
  ASSERT_TRUE(after->open_append("x").value()->append(as_bytes("12345678")));
  EXPECT_THAT(outcomes(*after, CrashProfile::hostile(), "x"), ::testing::Contains("stale!!!"));
}

}  // namespace
}  // namespace durability::testing
