// Logs that the Rust crate `durability` wrote (0.6.4: version 2, 0.10.0: version 3), then damaged, with what
// the crate said of each. Ours must say the same, but for the differences that are listed by name.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "crate_verdicts.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/walog/reader.hpp"

namespace durability {
namespace {

using compat::json;

std::filesystem::path vectors() {
  return std::filesystem::path(DURABILITY_SOURCE_DIR) / "tests" / "vectors" / "crate" / "wal";
}

Bytes contents_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<Directory> load(const std::string& name) {
  const std::shared_ptr<Directory> directory = testing::CrashDirectory::make();
  const auto wal = vectors() / "cases" / name / "wal";
  if (!std::filesystem::exists(wal)) return directory;
  for (const auto& entry : std::filesystem::directory_iterator(wal)) {
    const auto file = directory->create("wal/" + entry.path().filename().string()).value();
    EXPECT_TRUE(file->write_at(0, contents_of(entry.path())));
  }
  return directory;
}

TEST(CrateLogs, EveryVerdictOfTheCorpusIsOursOrADifferenceThatIsListed) {
  std::ifstream in(vectors() / "verdicts.jsonl");
  std::string line;
  int cases = 0;
  std::map<std::string_view, int> differences;
  while (std::getline(in, line)) {
    const json row = json::parse(line);
    const std::string name = row.at("case");
    ++cases;
    const auto fresh = [&] { return load(name); };
    const auto ours = compat::our_verdicts(fresh);
    const auto crate = compat::verdicts_of_crate(row.at("strict"), row.at("best_effort"), row.at("resume"));
    if (ours == crate) continue;
    const auto difference =
        compat::deliberate_difference(crate, ours, row.at("strict").value("message", ""), fresh);
    ++differences[difference];
    EXPECT_NE(difference, "") << name << " (" << row.at("base") << "; " << row.at("damage") << ")\n  crate "
                              << row << "\n  ours   " << ours.strict << "\n         " << ours.best_effort
                              << "\n         " << ours.resume;
  }
  EXPECT_EQ(cases, 400);
  EXPECT_EQ(differences, (std::map<std::string_view, int>{
                             {compat::kOddNames, 10}, {compat::kZeros, 17}, {compat::kMissingSegment, 9}}));
}

std::string everything(const walog::ByteReader& reader, ReadMode mode) {
  std::string words;
  const auto report = reader.for_each(mode, {}, [&](const WalEntryView& view) {
    words += fmt::format("{} at {}:{} {}\n", view.id, view.segment, view.offset, as_text(view.payload));
    return Result<Flow>(Flow::kContinue);
  });
  return words + (report ? fmt::format("next {}", report->next) : report.error().to_string());
}

TEST(CrateLogs, AreReadAheadAsTheyAreRead) {
  for (const auto& entry : std::filesystem::directory_iterator(vectors() / "cases")) {
    const walog::ByteReader reader(load(entry.path().filename().string()), 128);
    for (const ReadMode mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
      EXPECT_EQ(everything(reader.reading_ahead(), mode), everything(reader, mode)) << entry.path();
    }
  }
}

}  // namespace
}  // namespace durability
