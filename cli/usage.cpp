#include "usage.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace durability::cli {
namespace {

using Names = std::vector<std::string>;

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::vector<std::size_t>> rows(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) {
    for (std::size_t j = 0; j <= to.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = rows[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows.back().back();
}

std::string in_lower_case(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

std::string did_you_mean(std::string_view name) { return fmt::format("; did you mean {}?", name); }

/// "; did you mean X?", where one of them is like it.
std::string suggestion(std::string_view given, const Names& names) {
  const std::string word = in_lower_case(given);
  const std::string* best = nullptr;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& name : names) {
    const bool begun = word.size() > 2 && name.starts_with(word);
    const std::size_t far = begun ? 1 : distance(word, name);
    if (far < least && far < name.size()) {
      least = far;
      best = &name;
    }
  }
  return best == nullptr ? "" : did_you_mean(*best);
}

std::vector<const CLI::App*> parts_of(const CLI::App& app, bool named) {
  return app.get_subcommands([named](const CLI::App* part) { return part->get_name().empty() != named; });
}

Names commands_of(const CLI::App& app) {
  Names names;
  for (const CLI::App* command : parts_of(app, true)) names.push_back(command->get_name());
  return names;
}

/// What commands of this kind are called elsewhere.
std::optional<std::string_view> called_here(std::string_view word, const Names& names) {
  constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
      {"list", "ls"},    {"dir", "ls"},       {"show", "dump"},    {"dump", "show"},     {"cat", "dump"},
      {"print", "dump"}, {"read", "dump"},    {"check", "verify"}, {"fsck", "verify"},   {"stats", "stat"},
      {"info", "stat"},  {"write", "append"}, {"add", "append"},   {"trim", "truncate"}, {"fix", "repair"}};
  for (const auto& [elsewhere, here] : kElsewhere) {
    if (word == elsewhere && std::ranges::find(names, here) != names.end()) return here;
  }
  return {};
}

/// "walverify" and "wal-verify" for "wal verify"; nothing where no command is written so.
std::optional<std::string> run_together(std::string_view word, const CLI::App& app) {
  for (const CLI::App* outer : parts_of(app, true)) {
    if (!word.starts_with(outer->get_name())) continue;
    std::string_view rest = word.substr(outer->get_name().size());
    if (!rest.empty() && (rest[0] == '-' || rest[0] == '_' || rest[0] == ' ')) rest.remove_prefix(1);
    for (const std::string& inner : commands_of(*outer)) {
      if (inner == rest) return fmt::format("{} {}", outer->get_name(), inner);
    }
  }
  return {};
}

std::string suggested_command(std::string_view given, const CLI::App& app) {
  const Names names = commands_of(app);
  const std::string word = in_lower_case(given);
  if (word == "help") return did_you_mean("--help");
  if (const auto name = called_here(word, names)) return did_you_mean(*name);
  if (const auto pair = run_together(word, app)) return did_you_mean(*pair);
  if (std::string like = suggestion(word, names); !like.empty()) return like;
  // A command of another one: `durability verify`, most likely of a log.
  for (const CLI::App* outer : parts_of(app, true)) {
    const Names inner = commands_of(*outer);
    if (std::ranges::find(inner, word) == inner.end()) continue;
    return did_you_mean(fmt::format("{} {}", outer->get_name(), word));
  }
  return {};
}

/// Those in its groups as well, which are parts without a name.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> options = app.get_options();
  for (const CLI::App* group : parts_of(app, false)) {
    const auto more = options_of(*group);
    options.insert(options.end(), more.begin(), more.end());
  }
  return options;
}

Names names_of(const std::vector<const CLI::Option*>& options) {
  Names names;
  for (const CLI::Option* option : options) names.push_back(option->get_name());
  return names;
}

std::string called(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : called(*parent) + " " + app.get_name();
}

/// The command line as far as it makes sense.
struct Walk {
  const CLI::App* command;
  std::size_t places = 0;
  std::optional<std::string> wrong;
};

void walk_option(std::string_view argument, std::size_t& skip, Walk& walk) {
  const std::string name(argument.substr(0, argument.find('=')));
  const CLI::Option* option = walk.command->get_option_no_throw(name);
  if (option == nullptr) {
    walk.wrong = fmt::format("no option {} in {}{}", escape_for_display(name), called(*walk.command),
                             suggestion(name, names_of(options_of(*walk.command))));
  } else if (name.size() == argument.size() && option->get_expected_max() > 0) {
    ++skip;
  }
}

void walk_word(std::string_view argument, Walk& walk) {
  const auto commands = parts_of(*walk.command, true);
  const auto named = [&](const CLI::App* command) { return command->get_name() == argument; };
  if (const auto found = std::ranges::find_if(commands, named); found != commands.end()) {
    walk.command = *found;
  } else if (!commands.empty()) {
    walk.wrong = fmt::format("no command {} in {}{}", escape_for_display(argument), called(*walk.command),
                             suggested_command(argument, *walk.command));
  } else {
    const auto options = options_of(*walk.command);
    const auto taken = static_cast<std::size_t>(
        std::ranges::count_if(options, [](const CLI::Option* option) { return option->get_positional(); }));
    if (++walk.places > taken) {
      walk.wrong = fmt::format("{} is one argument too many", escape_for_display(argument));
    }
  }
}

Walk walk_along(const CLI::App& app, std::span<char* const> arguments) {
  Walk walk{.command = &app, .places = 0, .wrong = {}};
  bool only_places = false;
  for (std::size_t at = 1; at < arguments.size() && !walk.wrong; ++at) {
    const std::string_view argument = arguments[at];
    if (argument == "--") {
      only_places = true;
    } else if (!only_places && argument.size() > 1 && argument.starts_with('-')) {
      walk_option(argument, at, walk);
    } else {
      walk_word(argument, walk);
    }
  }
  return walk;
}

std::optional<std::string> missing_in(const CLI::App& command) {
  if (const Names names = commands_of(command); !names.empty()) {
    return fmt::format("a command is missing: one of {}", fmt::join(names, ", "));
  }
  for (const CLI::Option* option : options_of(command)) {
    if (option->get_required() && option->count() == 0) return option->get_name() + " is missing";
  }
  for (const CLI::App* group : parts_of(command, false)) {
    Names names = names_of(group->get_options());
    std::erase(names, "--help");
    return fmt::format("give one of {}, and only one", fmt::join(names, ", "));
  }
  return {};
}

/// Of options that were given: which do not go together, or want another one.
std::optional<std::string> clash_in(const CLI::App& command) {
  for (const CLI::Option* option : options_of(command)) {
    if (option->count() == 0) continue;
    for (const CLI::Option* other : option->get_excludes()) {
      if (other->count() > 0) {
        return fmt::format("{} and {} do not go together", other->get_name(), option->get_name());
      }
    }
    for (const CLI::Option* other : option->get_needs()) {
      if (other->count() == 0) return fmt::format("{} wants {}", option->get_name(), other->get_name());
    }
  }
  return {};
}

/// Of an option whose number of values is wrong.
std::string miscounted(const std::string& name, std::span<char* const> arguments) {
  const auto times = std::ranges::count_if(arguments, [&name](std::string_view argument) {
    return argument == name || argument.starts_with(name + "=");
  });
  return name + (times > 1 ? " was given twice" : " was given without its value");
}

std::string message_of(const CLI::App& app, const CLI::ParseError& error, std::span<char* const> arguments) {
  const Walk walk = walk_along(app, arguments);
  if (walk.wrong) return *walk.wrong;
  const std::string text = error.what();
  const std::string kind = error.get_name();
  std::optional<std::string> reason;
  if (kind == "RequiredError") reason = missing_in(*walk.command);
  if (kind == "ExcludesError" || kind == "RequiresError") reason = clash_in(*walk.command);
  if (kind == "ArgumentMismatch") {  // "<option>: <how many there were, and should be>"
    reason = miscounted(text.substr(0, text.find_first_of(": ")), arguments);
  }
  return reason.value_or(text);  // of a ValidationError: this tool's own
}

}  // namespace

Error explain_usage(const CLI::App& app, const CLI::ParseError& error, std::span<char* const> arguments) {
  Error usage(ErrorCode::kInvalidConfig, message_of(app, error, arguments));
  usage.advise("nothing was done; see --help");
  return usage;
}

}  // namespace durability::cli
