#pragma once

// A store of words under the crash explorer: a log, a checkpoint, and markers in the log that name it. It
// runs a history of letters:
//
//   a A   append a short, a long word        C   write the checkpoint, durably
//   b     an atomic batch of three           U   publish: checkpoint, marker, truncation
//   f s   flush; flush and sync              T   truncate up to the checkpoint's id
//   c k   close, kill; and reopen            P   let the background work
//
// Every directory that a crash may leave must hold:
//   - the state after some prefix of what was appended, every acknowledged word in it
//   - for each marker in the log, the checkpoint that it names, or a newer one        (checkpoint, then
//   marker)
//   - where the log lost its beginning, a checkpoint that reaches that far; and where it is only published, a
//     marker that says which                                                          (marker, then
//     truncation)
// and a program goes on from it: the log opens, grows, is published again, and recovers. A publication leaves
// no temporary beside the checkpoint, of whatever crash.

#include <string>
#include <vector>

#include "durability/testing/crash_subject.hpp"
#include "durability/walog/options.hpp"

namespace durability::checkpointing {

class StoreSubject final : public testing::CrashSubject {
 public:
  StoreSubject(std::string_view history, std::uint64_t segment_bytes, std::size_t recycle_segments = 0)
      : history_(history), segment_bytes_(segment_bytes), recycle_segments_(recycle_segments) {}

  std::string work(testing::Machine& machine) override;
  std::string recover(testing::Machine& machine, const testing::Crash& crash) override;
  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override {
    return std::make_unique<StoreSubject>(*this);
  }
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::optional<std::uint64_t> knowledge() const override;
  [[nodiscard]] std::vector<std::unique_ptr<CrashSubject>> smaller() const override;

 private:
  class Session;

  std::string history_;
  std::uint64_t segment_bytes_;
  std::size_t recycle_segments_;
  // What it knows.
  std::vector<std::string> attempted_;  ///< may be there after a crash; the word of entry n is at n - 1
  std::vector<std::size_t> batches_;    ///< where atomic batches end: not inside one of them
  std::uint64_t acknowledged_ = 0;      ///< so many of them must be there
  std::uint64_t flushed_ = 0;           ///< and so many after a kill
  std::uint64_t serial_ = 0;
  bool truncated_by_hand_ = false;
};

}  // namespace durability::checkpointing
