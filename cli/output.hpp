#pragma once

// What a command says, and the status it ends with: the same for all of them.

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "durability/base/ids.hpp"
#include "durability/storage/fs_directory.hpp"

namespace durability::cli {

using Json = nlohmann::ordered_json;

enum ExitStatus : int { kSound = 0, kRefused = 1, kWrongUsage = 2 };

/// What a command hands back.
struct Outcome {
  std::optional<Json> fields;  ///< of the object that --json prints, in this order; none: no object
  std::string text;            ///< for people; lines, each with its newline
  std::optional<Error> error;
  std::string note = {};  ///< for people, beside an answer of either form: a line of standard error

  [[nodiscard]] static Outcome failed(Error error) {
    return {.fields = {}, .text = {}, .error = std::move(error)};
  }
};

/// What --json prints of it, and a newline.
[[nodiscard]] std::string object_line(const Outcome& outcome);

/// Prints the outcome: the object to standard output, or the text there and the error to standard error.
[[nodiscard]] ExitStatus present(const Outcome& outcome, bool json);

/// The status that goes with what present() has printed, once it stands there whole.
[[nodiscard]] std::optional<ExitStatus> presented() noexcept;

/// An id, or null where there is none.
[[nodiscard]] Json id_or_null(std::optional<EntryId> id);

/// "1 entry", "2 entries".
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view one, std::string_view many);

/// The error with its path as a user can open it: below `directory`.
[[nodiscard]] Error located(const std::string& directory, Error error);

/// Of a command that appends: the system gives it no way to `what`.
[[nodiscard]] Error cannot_listen(int os_error, std::string_view what);

/// All of it, or an `io` error about standard output.
[[nodiscard]] Status write_to_stdout(std::string_view text);

/// The same without an error, or any memory, to say it with.
[[nodiscard]] bool write_to_stdout_plainly(std::string_view text) noexcept;

/// As much as standard error takes: where it is closed or full there is nowhere to report that.
void write_to_stderr(std::string_view text) noexcept;

}  // namespace durability::cli
