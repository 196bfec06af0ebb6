#include "durability/storage/temporaries.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::string_view kEnd = ".0123456789abcdef.tmp";

std::string temporary(std::string_view target) { return std::string(target) + std::string(kEnd); }

void touch(Directory& directory, const std::string& path) { ASSERT_TRUE(directory.create(path)); }

TEST(Temporaries, ThoseOfTheTargetsThatAreMeantAreRemoved) {
  const auto directory = MemoryDirectory::make();
  for (const std::string_view folder : {"", "wal/"}) {
    for (const auto& name :
         {temporary("mine"), temporary("other"), std::string("mine"), std::string("mine.tmp")}) {
      touch(*directory, std::string(folder) + name);
    }
  }
  const auto mine = [](std::string_view target) { return target == "mine"; };
  ASSERT_TRUE(succeeded(remove_temporaries_of(*directory, "", mine)));
  EXPECT_THAT(*directory->list(""), ElementsAre("mine", "mine.tmp", temporary("other"), "wal"));
  EXPECT_EQ(directory->list("wal")->size(), 4U);
  ASSERT_TRUE(succeeded(remove_temporaries_of(*directory, "wal", mine)));
  EXPECT_THAT(*directory->list("wal"), ElementsAre("mine", "mine.tmp", temporary("other")));
  EXPECT_TRUE(succeeded(remove_temporaries_of(*directory, "missing", mine)));
}

// Somebody kept a tree of files under a name that looked like a temporary's, and opening the log deleted it
// with all that was in it.
TEST(Temporaries, ATreeOrALinkOfSuchANameIsLeftAlone) {
  const TemporaryDirectory root;
  const auto directory = FsDirectory::open(root.path()).value();
  touch(*directory, temporary("x") + "/photographs/1");
  touch(*directory, "kept");
  std::filesystem::create_symlink("kept", root.path() / temporary("y"));
  touch(*directory, temporary("z"));
  ASSERT_TRUE(succeeded(remove_temporaries_of(*directory, "", [](std::string_view) { return true; })));
  EXPECT_THAT(*directory->list(""), UnorderedElementsAre("kept", temporary("x"), temporary("y")));
  EXPECT_THAT(*directory->list(temporary("x") + "/photographs"), ElementsAre("1"));
}

TEST(Temporaries, OneThatCannotBeRemovedIsReported) {
  RecordingDirectory directory;
  touch(directory, temporary("x"));
  directory.record = {.steps = {}, .fail_at = 0};
  const auto all = [](std::string_view) { return true; };
  EXPECT_TRUE(fails_with(remove_temporaries_of(directory, "", all), ErrorCode::kIo));
  ASSERT_TRUE(succeeded(remove_temporaries_of(directory, "", all)));
  EXPECT_TRUE(directory.list("")->empty());
}

}  // namespace
}  // namespace durability::internal
