// Logs that the Rust crate `durability` wrote (0.6.4: version 2, 0.10.0: version 3), then damaged, with what
// the crate said of each. Ours must say the same, but for the differences that are listed here by name.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "durability/base/crc32.hpp"
#include "durability/durability.hpp"
#include "durability/testing/crash_directory.hpp"

namespace durability {
namespace {

using nlohmann::json;

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

/// As the corpus writes a reading: {ok, entries, first, last, digest} or {ok, entries, digest, kind}.
json reading(const std::shared_ptr<Directory>& directory, ReadMode mode) {
  std::uint64_t entries = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t digest = 0;
  const auto report = WalReader<int>(directory).for_each_bytes(mode, [&](const WalEntryView& view) {
    if (entries++ == 0) first = view.id.value();
    last = view.id.value();
    std::array<std::byte, 16> head{};
    store_le(head, 0, view.id.value());
    store_le(head, 8, std::uint64_t{view.payload.size()});
    digest = crc32(view.payload, crc32(head, digest));
  });
  json result{{"ok", report.has_value()}, {"entries", entries}, {"digest", fmt::format("{:08x}", digest)}};
  if (report) {
    result["first"] = entries > 0 ? json(first) : json(nullptr);
    result["last"] = entries > 0 ? json(last) : json(nullptr);
  } else {
    result["kind"] = code_name(report.error().code());
  }
  return result;
}

json resuming(const std::shared_ptr<Directory>& directory) {
  WalOptions options;
  options.preallocate_bytes = 0;
  auto wal = WalWriter<int>::open(directory, options);
  if (!wal) return {{"ok", false}, {"kind", code_name(wal.error().code())}};
  const std::uint64_t next = wal->next_entry_id().value();
  const bool appended = wal->append_bytes(as_bytes("after-resume")) && wal->flush_and_sync();
  EXPECT_TRUE(wal->close());
  return {{"ok", true},
          {"next", next},
          {"append_ok", appended},
          {"after", reading(directory, ReadMode::kStrict)}};
}

json without_message(json verdict) {
  verdict.erase("message");
  return verdict;
}

struct Verdicts {
  json strict;
  json best_effort;
  json resume;
  bool operator==(const Verdicts&) const = default;
};

Verdicts of_the_crate(const json& row) {
  return {without_message(row.at("strict")), without_message(row.at("best_effort")),
          without_message(row.at("resume"))};
}

Verdicts ours(const std::string& name, void (*prepare)(Directory&)) {
  const auto loaded = [&] {
    auto directory = load(name);
    prepare(*directory);
    return directory;
  };
  return {reading(loaded(), ReadMode::kStrict), reading(loaded(), ReadMode::kBestEffort), resuming(loaded())};
}

std::string message_of(const json& row) { return row.at("strict").value("message", ""); }

// The deliberate differences; docs/formats.md gives the reasons.

// Ours: `wal_01.log` and `wal_+1.log` are no segments' names. The crate reads them as number 1.
bool odd_names_are_noise(const json& row, const std::string& name) {
  if (message_of(row).find("duplicate WAL segment id") == std::string::npos) return false;
  const Verdicts without_them = ours(name, [](Directory& directory) {
    const auto files = directory.list("wal").value();
    for (const auto& file : files) {
      if (file.find("wal_0") == 0 || file.find('+') != std::string::npos) {
        ASSERT_TRUE(directory.remove("wal/" + file));
      }
    }
  });
  return without_them.best_effort.at("ok") && ours(name, [](Directory&) {}) == without_them;
}

// Ours: a final segment of nothing but zeros is what a crash leaves, whatever its length. The crate refuses
// it from 4 bytes on, and then the log cannot be opened.
bool zeros_are_a_torn_header(const json& row, const std::string& name) {
  if (message_of(row) != "format error: invalid WAL magic") return false;
  if (row.at("damage").get<std::string>().find("zeros") == std::string::npos) return false;
  const Verdicts verdicts = ours(name, [](Directory&) {});
  const json& crate = row.at("strict");
  return verdicts.strict.at("kind") == "truncated" && verdicts.strict.at("digest") == crate.at("digest") &&
         verdicts.best_effort.at("ok") && verdicts.best_effort.at("digest") == crate.at("digest") &&
         verdicts.resume.at("append_ok") &&
         verdicts.resume.at("after").at("entries") == crate.at("entries").get<int>() + 1;
}

TEST(CrateLogs, EveryVerdictOfTheCorpusIsOursOrADifferenceThatIsListed) {
  std::ifstream in(vectors() / "verdicts.jsonl");
  std::string line;
  int cases = 0;
  int odd_names = 0;
  int zeros = 0;
  while (std::getline(in, line)) {
    const json row = json::parse(line);
    const std::string name = row.at("case");
    ++cases;
    const Verdicts verdicts = ours(name, [](Directory&) {});
    if (verdicts == of_the_crate(row)) continue;
    if (odd_names_are_noise(row, name)) {
      ++odd_names;
    } else if (zeros_are_a_torn_header(row, name)) {
      ++zeros;
    } else {
      ADD_FAILURE() << name << " (" << row.at("base") << "; " << row.at("damage") << ")\n  crate " << row
                    << "\n  ours   " << verdicts.strict << "\n         " << verdicts.best_effort
                    << "\n         " << verdicts.resume;
    }
  }
  EXPECT_EQ(cases, 400);
  EXPECT_EQ(odd_names, 10);
  EXPECT_EQ(zeros, 17);
}

}  // namespace
}  // namespace durability
