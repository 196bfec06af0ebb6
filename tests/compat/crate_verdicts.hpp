#pragma once

// What a log in the Rust crate's formats is to this library, in the words in which tests/vectors and the
// program of tests/interop say what it is to the crate; and the one list of the differences that are meant.

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "durability/durability.hpp"

namespace durability::compat {

using nlohmann::json;

/// The code's name, or where the crate has none so fine, the one that it has: `invalid_state`.
std::string_view kind_of(const Error& error);

/// {ok, entries, first, last, digest} or {ok, entries, digest, kind}: the entries delivered, `digest` the
/// crc32 over, for each of them, id u64, payload length u64, payload.
json reading(const std::shared_ptr<Directory>& directory, ReadMode mode);
/// Resumes, appends the 12 bytes `after-resume` durably: {ok, next, append_ok, after}, `after` a strict
/// reading; or {ok, kind}. `format` as in WalOptions.
json resuming(const std::shared_ptr<Directory>& directory, std::optional<WalFormat> format = {});

struct Verdicts {
  json strict;
  json best_effort;
  json resume;
  bool operator==(const Verdicts&) const = default;
};

/// Without the messages, which are the crate's own and only for people.
Verdicts verdicts_of_crate(const json& strict, const json& best_effort, const json& resume);

/// Hands out the log in question, a fresh copy each time.
using Load = std::function<std::shared_ptr<Directory>()>;

Verdicts our_verdicts(const Load& load);

/// The name of the difference, of those that are meant, that explains why the two are not equal; empty where
/// none does. `message` is what the crate said on reading strictly.
std::string_view deliberate_difference(const Verdicts& crate, const Verdicts& ours, std::string_view message,
                                       const Load& load);

// The names.
inline constexpr std::string_view kOddNames = "odd names are noise";
inline constexpr std::string_view kZeros = "a final segment of zeros is a torn header";
inline constexpr std::string_view kOnlyZeros = "a log of nothing but zeros is judged as version 4";
inline constexpr std::string_view kStartId = "a wrong start id is seen before an entry is delivered";
inline constexpr std::string_view kFirstSegment = "segment number 1 begins at entry 1";
inline constexpr std::string_view kMissingSegment = "what is sound before a missing segment is read";
inline constexpr std::string_view kLoneTornSegment =
    "a lone torn segment that is not number 1 has lost a log";

}  // namespace durability::compat
