#pragma once

// The life of a program on a directory that fails, in letters. It goes on after every failure, as a program
// might: asks again, closes, opens again. Every answer is held to what was promised before:
//
//   o open   a append   A an entry larger than the buffer   b batch   t atomic batch   f flush   s sync
//   p publish, with a marker   P write the checkpoint only   w let the background work   c close
//   k die without closing   r recover   i look at the segments   m truncate while no writer is open
//   C write, read, sync a checkpoint   4 go on in version 4   x cut the last segment's tail short
//   h leave a torn header   z leave a log of nothing but zeros
//
// The state is the list of all entries, markers among them, so it says which entries it is made of.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/publish/publisher.hpp"
#include "durability/recover/recover.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/writer.hpp"
#include "trap.hpp"

namespace durability::faults {

using Words = std::vector<std::string>;

struct LifeOptions {
  WalFormat format = WalFormat::kV4;
  std::uint64_t segment_bytes = 512;
  std::size_t recycle_segments = 0;
};

class Life {
 public:
  Life(std::shared_ptr<Directory> directory, const LifeOptions& options);

  void play(std::string_view letters);
  /// The same program on another directory: what a crash left, or the same one, mended.
  void move_to(std::shared_ptr<Directory> directory, const Trap* trap = nullptr);

  /// Empty where every promise was kept.
  [[nodiscard]] const std::string& violation() const noexcept { return violation_; }

 private:
  void step(char letter);
  void open();
  void with_writer(char letter);
  void append(const Words& words, bool batch, bool atomic);
  void publish();
  void write_state();
  void close();
  void recover();
  void look();
  void truncate_offline();
  void write_checkpoints();
  void tear_tail();
  void put_segment(std::size_t bytes, std::uint64_t number);

  /// To be called after each call of the writer with what it returned: nothing where it succeeded.
  void judge_writer(const std::optional<Error>& error);
  void judge_end(std::size_t before, bool poisoned);
  void judge(std::string_view call, const std::optional<Error>& error);
  void blame(std::string_view what);
  [[nodiscard]] std::string word();
  [[nodiscard]] WalOptions wal_options() const;
  [[nodiscard]] std::size_t failed() const { return trap_ == nullptr ? 0 : trap_->failed().size(); }

  std::shared_ptr<Directory> directory_;
  LifeOptions options_;
  const Trap* trap_ = nullptr;
  std::optional<WalWriter<std::string>> writer_;
  std::shared_ptr<Worker> worker_;
  Words words_;               // appended, or perhaps appended
  std::uint64_t acked_ = 0;   // as many of them are durable
  std::uint64_t spoken_ = 0;  // words made so far
  std::size_t judged_ = 0;    // of the trap's failures
  char letter_ = ' ';
  std::string violation_;
};

}  // namespace durability::faults
