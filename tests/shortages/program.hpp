#pragma once

// A program with a log and one writer, in letters. It goes on after every failure, as programs do: it asks
// again, and opens again where its writer has ended.
//
//   a append   b batch   t atomic batch   f flush   s sync   w let the background work   m truncate
//   p publish a checkpoint of all words, with a marker   c close

#include <optional>

#include "durability/recover/recover.hpp"
#include "durability/walog/writer.hpp"
#include "witness.hpp"
#include "workers.hpp"

namespace durability::shortages {

[[nodiscard]] WalOptions small_segments();

/// What checkpoint and log of a program make, in plenty; of the entries up to `ceiling`, if there is one.
[[nodiscard]] Result<Recovery<std::vector<std::string>>> recover_words(
    const std::shared_ptr<Directory>& directory, std::optional<EntryId> ceiling = std::nullopt);

class Program {
 public:
  static constexpr const char* kCheckpoint = "checkpoints/words";

  /// `worker`: the one of `options`, if it is worked by hand.
  Program(const Place& place, WalOptions options, HandWorker* worker = nullptr)
      : place_(&place), options_(std::move(options)), worker_(worker) {}

  void play(std::string_view letters);
  /// Whether a writer ended. Only a failed write or sync may do that, and no lack of descriptors.
  [[nodiscard]] bool was_ended() const noexcept { return was_ended_; }

  /// Of the log, opened again in plenty; yields what is wrong.
  [[nodiscard]] std::string judge_log() const;
  /// Of what recovery makes of checkpoint and log.
  [[nodiscard]] std::string judge_recovery() const;

 private:
  bool is_open();
  void step(char letter);
  void append();
  void append_batch(bool atomic);
  void sync();
  void truncate();
  void publish();
  void close();
  template <class T>
  void judge(const Result<T>& answer);
  [[nodiscard]] std::string make_log_go_on() const;

  const Place* place_;
  WalOptions options_;
  HandWorker* worker_;
  std::shared_ptr<Directory> directory_;
  std::optional<WalWriter<std::string>> writer_;
  std::size_t next_ = 0;
  bool was_ended_ = false;
  std::unique_ptr<Witness> witness_ = std::make_unique<Witness>();
};

}  // namespace durability::shortages
