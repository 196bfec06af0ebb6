#include "witness.hpp"

#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>

#include "durability/storage/fs_directory.hpp"

namespace durability::shortages {
namespace {

constexpr std::string_view kWord = "word ";

std::optional<std::size_t> number_of(std::string_view text) {
  if (!text.starts_with(kWord)) return std::nullopt;
  std::size_t number = 0;
  const auto parsed = std::from_chars(text.data() + kWord.size(), text.data() + text.size(), number);
  const bool good = parsed.ec == std::errc() && number < Witness::kMostWords && text == word(number);
  return good ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string word(std::size_t n) {
  const Exempt exempt;
  std::string text = fmt::format("{}{} ", kWord, n);
  text.resize(n % 7 == 6 ? Witness::kLongest : 40, '.');
  return text;
}

void Witness::took(std::size_t word, EntryId id) noexcept {
  ids_.at(word).store(id.value());
  set(word, Fate::kTaken);
}

void Witness::hears(std::size_t word, const Result<EntryId>& answer) noexcept {
  if (!answer) return set(word, Fate::kRefused);
  took(word, *answer);
}

void Witness::hears(std::size_t word, const Result<DurableId>& answer) noexcept {
  if (!answer) return;
  took(word, answer->entry());
  durable(answer->entry());
}

void Witness::durable(EntryId upto) noexcept {
  std::uint64_t seen = acknowledged_.load();
  while (seen < upto.value() && !acknowledged_.compare_exchange_weak(seen, upto.value())) {
  }
}

void Witness::loses_its_writer() noexcept {
  for (std::size_t word = 0; word < kMostWords; ++word) {
    const Fate fate = fates_.at(word).load();
    const bool in_doubt = fate == Fate::kTaken && ids_.at(word).load() > acknowledged().value();
    if (fate == Fate::kRefused || in_doubt) set(word, Fate::kAsked);
  }
}

std::string Witness::judge_one(std::size_t word, EntryId id) const {
  const Fate fate = fates_.at(word).load();
  if (fate == Fate::kNever) return fmt::format("word {} was never appended", word);
  if (fate == Fate::kRefused) return fmt::format("word {} is there as entry {}, though refused", word, id);
  const std::uint64_t told = ids_.at(word).load();
  if (fate != Fate::kTaken || told == id.value()) return "";
  return fmt::format("word {} is entry {}, not {}", word, id, told);
}

std::string Witness::judge(EntryId first, const std::vector<std::string>& words) const {
  std::array<bool, kMostWords> there{};
  const EntryId last(first.value() + words.size() - 1);
  if (first > EntryId(1) && first.value() > truncated().value() + 1)
    return fmt::format("begins at entry {}, truncated up to {}", first, truncated());
  if (last < acknowledged()) return fmt::format("ends at entry {} of {} acknowledged", last, acknowledged());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = number_of(words[i]);
    if (!number) return fmt::format("another word: '{}'", words[i]);
    if (std::exchange(there.at(*number), true)) return fmt::format("word {} is there twice", *number);
    if (auto wrong = judge_one(*number, EntryId(first.value() + i)); !wrong.empty()) return wrong;
  }
  for (std::size_t number = 0; number < kMostWords; ++number) {
    const std::uint64_t id = ids_.at(number).load();
    const bool acknowledged_here =
        fates_.at(number).load() == Fate::kTaken && id >= first.value() && id <= acknowledged().value();
    if (acknowledged_here && !there.at(number)) return fmt::format("word {}, acknowledged, is gone", number);
  }
  return "";
}

Place::Place() {
  const bool in_memory = ::access("/dev/shm", W_OK) == 0;
  path_ = (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
          "/durability-shortages-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

Place::~Place() { std::filesystem::remove_all(path_); }

Result<std::shared_ptr<Directory>> Place::open() const {
  return FsDirectory::open(path_, {.create = true, .system_calls = &system_calls()});
}

std::shared_ptr<Directory> Place::directory() const {
  const Exempt exempt;
  return FsDirectory::open(path_).value();
}

}  // namespace durability::shortages
