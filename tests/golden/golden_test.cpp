// Golden files: what the bytes of small logs are, and what is said of them when they are damaged, as text.
// A change of either is a diff of tests/golden/*.txt for a reviewer to read. They are rewritten by
//
//   DURABILITY_GOLDEN=write build/gcc/bin/golden_test

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "damages.hpp"
#include "page.hpp"
#include "samples.hpp"

namespace durability::golden {
namespace {

std::string page_of(const Sample& sample) {
  std::string page = sample.story + "\n\n";
  for (const auto& [path, contents] : sample.files) {
    page += fmt::format("{}, {} bytes\n{}\n", path, contents.size(), sample.anatomy(contents).text);
  }
  Advice advice;
  page += "undamaged\n" + sample.verdict(sample.files, advice);
  page += damages_and_verdicts(sample, advice) + "\nwhat is advised\n";
  for (const auto& [message, advised] : advice) {
    page += wrapped("  ", message) + wrapped("    ", advised.empty() ? "(nothing)" : advised);
  }
  return page;
}

TEST(Golden, BytesAndVerdictsAreThoseOfTheFiles) {
  for (const Sample& sample : samples()) {
    const std::string difference = difference_from_file(sample.name, page_of(sample));
    EXPECT_TRUE(difference.empty()) << difference;
  }
}

TEST(Golden, EveryFileIsASamples) {
  std::set<std::string> names;
  for (const Sample& sample : samples()) names.insert(sample.name);
  for (const auto& file : std::filesystem::directory_iterator(DURABILITY_SOURCE_DIR "/tests/golden")) {
    if (file.path().extension() != ".txt") continue;
    EXPECT_TRUE(names.contains(file.path().stem().string())) << file.path();
  }
}

}  // namespace
}  // namespace durability::golden
