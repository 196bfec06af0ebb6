// wal convert: rewrites a log in another version of its format.
//
// The new log grows in OUT/wal.converting/, and gets its name when it is whole and durable: whatever breaks
// this off, there is no OUT/wal with a part of the entries, which somebody would open and take for all of
// them.

#include "durability/walog/convert.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct ConvertOptions : LogOptions {
  std::string out;
  unsigned format = 0;
  ReadMode mode = ReadMode::kStrict;
};

/// The place in OUT where the new log grows. Whoever holds its lock converts.
class Unfinished {
 public:
  /// `invalid_state` where OUT holds something called wal/. What an earlier run left is removed.
  static Result<Unfinished> begin(const std::string& out) {
    DURABILITY_TRY_ASSIGN(auto directory, FsDirectory::open(out));
    Unfinished unfinished(out, std::move(directory));
    if (Status begun = unfinished.prepare(); !begun) return located(out, begun.error());
    return unfinished;
  }

  [[nodiscard]] const std::shared_ptr<Directory>& inside() const noexcept { return inside_; }

  /// The log is whole: it gets its name.
  Status finish() {
    if (Status named = out_->rename_durable(path_of(walog::kWalDirectory), walog::kWalDirectory); !named) {
      return located(place_, named.error());
    }
    // The log is there. What stays here is removed by the next conversion, if any.
    static_cast<void>(out_->remove_durable(kUnfinishedConversion));
    return {};
  }

  /// What was written is of no use, and takes space; and the error, with what is to be done.
  Error give_up(Error error) {
    const bool of_ours = error.path().find(kUnfinishedConversion) != std::string::npos;
    Status removed = out_->remove_durable(path_of(walog::kWalDirectory));
    if (removed) removed = out_->remove_durable(kUnfinishedConversion);
    if (!of_ours) return error;
    return error.advise(
        fmt::format("{}; {} and convert again",
                    removed ? "what was written was removed again" : "what was written is in no one's way",
                    remedy_for(error.os_error())));
  }

 private:
  Unfinished(std::string place, std::shared_ptr<Directory> out)
      : place_(std::move(place)), out_(std::move(out)) {}

  static std::string path_of(std::string_view name) {
    return fmt::format("{}/{}", kUnfinishedConversion, name);
  }

  Status prepare() {
    DURABILITY_TRY(refuse_log());
    DURABILITY_TRY(out_->create_directories(kUnfinishedConversion));
    DURABILITY_TRY_ASSIGN(lock_, out_->lock(path_of(".lock")));
    DURABILITY_TRY(refuse_log());  // the one who held the lock may have finished
    DURABILITY_TRY(out_->remove(path_of(walog::kWalDirectory)));
    const std::filesystem::path inside = std::filesystem::path(place_) / kUnfinishedConversion;
    DURABILITY_TRY_ASSIGN(inside_, FsDirectory::open(inside.string(), FsOptions{.create = false}));
    return {};
  }

  Status refuse_log() {
    DURABILITY_TRY_ASSIGN(const auto there, out_->list(walog::kWalDirectory));
    if (there.empty()) return {};
    return Error(ErrorCode::kInvalidState, "a log exists here already")
        .in_file(walog::kWalDirectory)
        .advise("nothing was changed; choose another directory");
  }

  std::string place_;
  std::shared_ptr<Directory> out_;
  std::unique_ptr<DirectoryLock> lock_;
  std::shared_ptr<Directory> inside_;
};

Result<WalConversion> convert(const ConvertOptions& options, const std::shared_ptr<Directory>& from) {
  WalOptions written;
  written.format = static_cast<WalFormat>(options.format);
  DURABILITY_TRY_ASSIGN(Unfinished unfinished, Unfinished::begin(options.out));
  auto done = convert_log(from, unfinished.inside(), written, options.mode);
  if (!done) return unfinished.give_up(std::move(done).error());
  if (Status finished = unfinished.finish(); !finished) return unfinished.give_up(finished.error());
  return done;
}

Outcome run_convert(const ConvertOptions& options) {
  const auto from = open_log(options);
  if (!from) return Outcome::failed(from.error());
  if (Status apart = refuse_nested_log(options.out); !apart) return Outcome::failed(apart.error());
  const auto done = convert(options, *from);
  if (!done) return Outcome::failed(done.error());
  std::optional<EntryId> first;
  std::optional<EntryId> last;
  if (done->entries > 0) {
    first = done->first;
    last = EntryId(done->next.value() - 1);
  }
  return {.fields = Json{{"entries", done->entries},
                         {"first_entry_id", id_or_null(first)},
                         {"last_entry_id", id_or_null(last)},
                         {"next_entry_id", done->next.value()},
                         {"version", options.format},
                         {"torn_tail", done->torn_tail}},
          .text = fmt::format("{} in version {}; the log goes on with entry {}{}\n",
                              count_of(done->entries, "entry", "entries"), options.format, done->next,
                              done->torn_tail ? "; a torn tail was left out" : ""),
          .error = {}};
}

}  // namespace

void add_wal_convert(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<ConvertOptions>(
      wal,
      {.name = "convert",
       .description = "Writes the log's entries, with their ids, into a new log of another version, so that "
                      "another program can read it. OUT must not hold a log; DIR is only read.",
       .place = "DIR",
       .place_description = kDirectoryHelp,
       .effect = Effect::kWrites},
      selected, run_convert);
  command->add_option("OUT", options->out, "The directory to hold the new wal/; made if missing")
      ->check(a_place())
      ->required();
  command->add_option("--format", options->format, "Version to write: 2, 3 or 4")
      ->transform(number(2, 4))
      ->required();
  add_read_mode(*command, options->mode);
}

}  // namespace durability::cli
