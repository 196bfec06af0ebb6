#pragma once

// Runs a history, written as a string of letters, on a log in a CrashDirectory:
//
//   a A   append a small, a large entry        g h   a group's sync begins, ends
//   b     atomic batch of three                T     truncate to the durable id
//   f s   flush; flush and sync                c     close and reopen
//   R     rotate (and append); the seal's      k     kill and reopen
//         sync is queued, not run              M     kill; truncate with no writer; the next letter reopens
//   p     run the oldest queued task: the      e E   the next sync of a file, of a directory, fails
//         seal's sync, or the spare's making
//   P     run all queued tasks                 r     R, then the seal's sync
//   v     close; reopen in the other version, 3 or 4
//
// Rotation is forced by age: the clock is turned. The worker's tasks run only on p, P and r, or where the
// writer waits for them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/testing/machine.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/write/byte_writer.hpp"
#include "model.hpp"

namespace durability::crash {

/// The sizes of things; small, so that few bytes make many sectors and segments.
struct Settings {
  std::size_t sector_bytes = 64;
  std::uint64_t segment_bytes = 512;
  std::size_t buffer_bytes = 4096;
  std::uint64_t preallocate_bytes = 512;
  std::size_t recycle_segments = 0;
  testing::SyncFailure sync_failure = testing::SyncFailure::kForget;
  /// Blocks that remember what a power cut took from them bring an entry back that one power cut lost, in the
  /// place of the one that was appended under the same id since, where the next power cut loses that; no sum
  /// over log, segment and frame can tell the two apart.
  bool blocks_remember = false;
  /// The history knows versions 2 and 3. Their batches are not atomic, and they cannot tell a torn group from
  /// damage: after a power cut that loses single sectors they open, or refuse and change nothing. Nothing
  /// that was acknowledged may be lost all the same.
  bool older_versions = false;
  bool ordered_only = false;             ///< of the crash profiles only this one; nothing may refuse then
  std::optional<WalFormat> format = {};  ///< of a writer's first opening
};

/// True where a log may be refused.
[[nodiscard]] inline bool may_refuse(const Settings& settings, const Model& model) noexcept {
  return settings.older_versions && !settings.ordered_only && model.saw_a_power_cut();
}

/// Names and bytes of a log's segments.
using Segments = std::map<std::string, Bytes>;
[[nodiscard]] Segments segments_of(Directory& directory);

class Run {
 public:
  /// Goes on with the log on `machine`; `killed` says that a kill, not a power cut, ended the last writer.
  Run(testing::Machine& machine, const Settings& settings, Model model, bool killed = false);
  /// Kills the process.
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Opens the log if no writer is open, then does letter by letter, up to the cut.
  void play(std::string_view letters);

  /// True where a log with older versions was refused, as it may be, and nothing of it was changed.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  /// True where the machine died at the cut.
  [[nodiscard]] bool cut() const noexcept { return cut_; }
  /// The library broke a promise, or failed without a reason; empty where it did not.
  [[nodiscard]] const std::string& violation() const noexcept { return violation_; }
  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] const std::shared_ptr<testing::CrashDirectory>& directory() const noexcept {
    return machine_.directory();
  }
  [[nodiscard]] walog::ByteWriter& writer() noexcept { return *writer_; }

 private:
  void open();
  void judge_refusal(const Error& error, const Segments& before);
  void step(char letter);
  void append(std::size_t count, std::size_t bytes, bool atomic);
  void rotate();
  void end_group();
  void truncate();
  void maintain();
  void close();
  void change_version();
  void kill();
  void note(const Status& status, std::string_view what);
  [[nodiscard]] WalOptions options();

  testing::Machine& machine_;
  Settings settings_;
  Model model_;
  bool killed_;
  std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  std::shared_ptr<testing::ManualWorker> worker_;
  std::unique_ptr<walog::ByteWriter> writer_;
  std::vector<walog::PendingSync> groups_;
  std::optional<WalFormat> format_;
  bool failed_ = false;    // the writer is poisoned
  bool injected_ = false;  // by a sync that was told to fail
  bool cut_ = false;
  bool refused_ = false;
  std::string violation_;
};

}  // namespace durability::crash
