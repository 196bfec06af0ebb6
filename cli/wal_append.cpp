// wal append: lines of standard input become entries.
//
// When an entry counts: with --durable once a sync that began after it was written has succeeded; without,
// once it has been handed to the operating system, so that the death of this process loses none that
// counted; at the latest when input pauses. Only entries that count are acknowledged and summed up.
//
// SIGINT and SIGTERM end the input: what was read of it is appended, and the log closed.

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ranges>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "acknowledgements.hpp"
#include "durability/walog/sync_writer.hpp"
#include "line_reader.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "stopped.hpp"

namespace durability::cli {
namespace {

struct AppendOptions : CommonOptions {
  bool durable = false;
  bool acks = false;
  std::size_t threads = 1;
  std::size_t batch = 1;
  WalOptions wal;
};

/// An entry is its bytes.
struct RawCodec {
  template <class T>
  static Status encode(const T& entry, Bytes& out) {
    out.insert(out.end(), entry.begin(), entry.end());
    return {};
  }
};
using Writer = SyncWalWriter<ByteView, RawCodec>;

/// Counts syncs, and watches how far the log has been handed to the operating system.
class Watch final : public WalObserver {
 public:
  void on_append(EntryId id, std::uint64_t) noexcept override { appended_ = id.value(); }
  void on_flush(std::uint64_t) noexcept override { flushed_ = appended_.load(); }
  void on_sync(DurableId, std::chrono::nanoseconds) noexcept override { ++syncs_; }

  [[nodiscard]] EntryId flushed() const noexcept { return EntryId(flushed_); }
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }

 private:
  std::atomic<std::uint64_t> appended_ = 0;
  std::atomic<std::uint64_t> flushed_ = 0;
  std::atomic<std::uint64_t> syncs_ = 0;
};

/// One run of the command.
class Append {
 public:
  Append(const AppendOptions& options, Writer& writer, const Watch& watch)
      : options_(options), writer_(writer), watch_(watch), acknowledgements_(options.acks) {}

  /// Takes all lines in, with all threads, and closes the log.
  void run(LineReader& reader) {
    reader_ = &reader;
    {
      std::vector<std::jthread> threads;
      threads.reserve(options_.threads);
      try {
        while (threads.size() + 1 < options_.threads) threads.emplace_back([this] { take_lines(); });
      } catch (const std::system_error& refused) {
        fail(Error::from_errno(refused.code().value(), fmt::format("start thread {}", threads.size() + 2))
                 .in_file(options_.place)
                 .advise("what counted is kept; ask for fewer --threads"));
      }
      take_lines();  // this thread is the last one
    }
    if (auto failure = reader.failure()) fail(*std::move(failure));
    close();
  }

  /// Input pauses: whoever watches the log sees all that was appended.
  Status pause() {
    if (options_.durable) return {};
    const EntryId last = writer_.last_entry_id();
    if (Status flushed = writer_.flush(); !flushed) return located(options_.place, flushed.error());
    return acknowledgements_.count_up_to(last);
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] Tally tally() const { return acknowledgements_.tally(); }

 private:
  void take_lines() {
    Lines lines;
    while (reader_->next(options_.batch, lines)) {
      const auto first = append(lines);
      if (!first) return fail(located(options_.place, first.error()));
      const EntryId last(first->value() + lines.size() - 1);
      const Result<EntryId> counted = options_.durable ? last : handed_over(lines, last);
      if (!counted) return fail(located(options_.place, counted.error()));
      if (Status noted = acknowledgements_.appended(lines, *first, *counted); !noted)
        return fail(noted.error());
    }
  }

  void close() {
    const EntryId last = writer_.last_entry_id();
    if (Status closed = writer_.close(); !closed) return fail(located(options_.place, closed.error()));
    if (Status counted = acknowledgements_.count_up_to(last); !counted) fail(counted.error());
  }

  /// Up to which id everything is in the hands of the operating system.
  Result<EntryId> handed_over(const Lines& lines, EntryId last) {
    // Entries that are larger than the log's buffer go past it, and past Watch.
    const bool buffered = lines.bytes() < options_.wal.buffer_bytes / 2;
    if (buffered && !reader_->paused()) return watch_.flushed();
    DURABILITY_TRY(writer_.flush());
    return last;
  }

  /// The id of the first one. With --durable they all are when it returns.
  Result<EntryId> append(const Lines& lines) {
    if (lines.size() == 1) {
      if (!options_.durable) return writer_.append_bytes(lines[0]);
      DURABILITY_TRY_ASSIGN(const DurableId id, writer_.append_durable_bytes(lines[0]));
      return id.entry();
    }
    const auto views = std::views::iota(std::size_t{0}, lines.size()) |
                       std::views::transform([&](std::size_t i) { return lines[i]; });
    DURABILITY_TRY_ASSIGN(const EntryId last, writer_.append_batch(views));
    if (options_.durable) DURABILITY_TRY(writer_.wait_until_durable(last));
    return EntryId(last.value() - (lines.size() - 1));
  }

  /// The first failure ends the run; what it did to the others ("an earlier failure…") says less.
  void fail(Error error) {
    reader_->stop();
    const std::lock_guard lock(mutex_);
    if (!error_ || (error_->code() == ErrorCode::kPoisoned && error.code() != ErrorCode::kPoisoned)) {
      error_ = std::move(error);
    }
  }

  const AppendOptions& options_;
  Writer& writer_;
  const Watch& watch_;
  LineReader* reader_ = nullptr;
  Acknowledgements acknowledgements_;
  std::mutex mutex_;
  std::optional<Error> error_;
};

std::optional<std::uint64_t> size_of_input() {
  struct stat status{};
  if (::fstat(STDIN_FILENO, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return static_cast<std::uint64_t>(status.st_size);
}

Outcome summary(const Append& append, const Stopped& stopped, std::uint64_t syncs, double seconds) {
  const Tally tally = append.tally();
  std::string ids;
  if (tally.first) ids = fmt::format(", ids {} to {}", *tally.first, *tally.last);
  Json fields{{"entries", tally.entries},
              {"first_entry_id", id_or_null(tally.first)},
              {"last_entry_id", id_or_null(tally.last)},
              {"bytes", tally.bytes},
              {"seconds", seconds},
              {"syncs", syncs}};
  stopped.add_to(fields);
  return {
      .fields = std::move(fields),
      .text = fmt::format("appended {} ({}){} in {:.3f} s with {}{}\n",
                          count_of(tally.entries, "entry", "entries"), count_of(tally.bytes, "byte", "bytes"),
                          ids, seconds, count_of(syncs, "sync", "syncs"), stopped.text()),
      .error = append.error()};
}

Outcome append_input(const AppendOptions& options, Writer& writer, const Watch& watch, StopSignals& signals,
                     std::chrono::steady_clock::time_point begin) {
  Append append(options, writer, watch);
  Progress progress("appending", size_of_input());
  auto reader = LineReader::open(STDIN_FILENO, progress,
                                 {.end_event = signals.fd(), .on_pause = [&] { return append.pause(); }});
  if (!reader) return Outcome::failed(reader.error());
  append.run(**reader);
  const Stopped stopped = Stopped::of(signals, **reader);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return summary(append, stopped, watch.syncs(), elapsed.count());
}

/// The options that a library's refusal names, as they are called on the command line.
Error as_typed(const Error& refused) {
  std::string message = refused.message();
  for (const auto& [name, option] :
       {std::pair<std::string_view, std::string_view>{"WalOptions::segment_bytes", "--segment-bytes"},
        {"WalOptions::preallocate_bytes", "--preallocate"},
        {"WalOptions::recycle_segments", "--recycle"}}) {
    if (message.starts_with(name)) message.replace(0, name.size(), option);
  }
  return Error(refused.code(), std::move(message)).advise(refused.advice());
}

Outcome run_append(const AppendOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (Status sound = options.wal.validate(); !sound) return Outcome::failed(as_typed(sound.error()));
  if (Status apart = refuse_nested_log(options.place); !apart) return Outcome::failed(apart.error());
  if (Status whole = refuse_unfinished_conversion(options.place); !whole)
    return Outcome::failed(whole.error());
  auto directory = FsDirectory::open(options.place);
  if (!directory) return Outcome::failed(directory.error());
  const auto signals = StopSignals::open();  // before the log's own threads are there
  if (!signals) return Outcome::failed(signals.error());
  const auto watch = std::make_shared<Watch>();
  WalOptions wal = options.wal;
  wal.observer = watch;
  auto writer = Writer::open(*directory, std::move(wal));
  if (!writer) return Outcome::failed(located(options.place, writer.error()));
  Outcome outcome = append_input(options, **writer, *watch, **signals, begin);
  if (options.acks && !options.json) {
    // Standard output is for acknowledgements only.
    write_to_stderr(outcome.text);
    outcome.text.clear();
  }
  return outcome;
}

FlushPolicy parse_policy(const std::string& text) {
  const auto number_after = [&text](std::string_view prefix) -> std::optional<std::uint64_t> {
    if (!text.starts_with(prefix)) return {};
    return parse_number(std::string_view(text).substr(prefix.size()));
  };
  if (text == "per-append") return FlushPolicy::per_append();
  if (text == "manual") return FlushPolicy::manual();
  if (const auto appends = number_after("every="); appends && *appends > 0)
    return FlushPolicy::every(*appends);
  constexpr std::uint64_t kMaxMilliseconds = std::uint64_t{1} << 40U;  // 34 years: fits in nanoseconds
  if (const auto milliseconds = number_after("interval=");
      milliseconds && *milliseconds > 0 && *milliseconds < kMaxMilliseconds) {
    return FlushPolicy::interval(std::chrono::milliseconds(*milliseconds));
  }
  throw CLI::ValidationError("--policy",
                             "use per-append, every=N, interval=MS (N and MS from 1) or manual, not " + text);
}

}  // namespace

void add_wal_append(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_command<AppendOptions>(
      wal,
      {.name = "append",
       .description = "Makes each line of standard input, without its newline, an entry.\n"
                      "Makes DIR and the log if they are not there, and goes on with the log if it is.\n"
                      "SIGINT and SIGTERM end the input: what was read is appended, and the log closed.",
       .place = "DIR",
       .place_description = kDirectoryHelp,
       .effect = Effect::kWrites},
      selected, run_append);
  WalOptions& log = options->wal;
  command->add_flag("--durable", options->durable,
                    "An entry counts when it survives a power cut; without, when it has been handed to the "
                    "operating system (see --policy), which a kill -9 does not undo");
  command
      ->add_option("--threads", options->threads, "So many threads append; with --durable they share syncs")
      ->transform(number(1, 1024))
      ->capture_default_str();
  command->add_flag("--acks", options->acks,
                    "Print `<input line number> <entry id>` for each entry when it counts, at once; the text "
                    "of the summary then goes to standard error");
  command
      ->add_option_function<unsigned>(
          "--format", [&log](unsigned version) { log.format = static_cast<WalFormat>(version); },
          "Version of the log's format to write; unless given, that of the log, and 4 for a new one")
      ->check(one_of({"2", "3", "4"}, "2, 3 or 4"));
  command
      ->add_option("--segment-bytes", log.segment_bytes, "Size at which a segment is sealed: bytes, or 64M")
      ->transform(size())
      ->capture_default_str();
  command
      ->add_option("--preallocate", log.preallocate_bytes,
                   "Zeros to write ahead into each segment; unless given, the segment's size (nothing before "
                   "version 4)")
      ->transform(size());
  command->add_option("--recycle", log.recycle_segments, "Deleted segments to keep and use again")
      ->transform(number())
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--policy", [&log](const std::string& text) { log.flush = parse_policy(text); },
      "When entries are handed to the operating system: per-append, every=N, interval=MS or manual; "
      "every=64, unless given. Whatever it says, when input pauses");
  command
      ->add_option("--batch", options->batch, "Entries that are appended at once, if so many lines are there")
      ->transform(number(1, 1U << 20U))
      ->capture_default_str();
}

}  // namespace durability::cli
