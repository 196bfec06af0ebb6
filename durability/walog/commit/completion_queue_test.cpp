#include "durability/walog/commit/completion_queue.hpp"

#include <gtest/gtest.h>

namespace durability::walog {
namespace {

std::vector<std::uint64_t> taken_through(CompletionQueue& queue, std::uint64_t id) {
  std::vector<PendingCompletion> taken;
  taken.reserve(64);
  queue.take_through(EntryId(id), taken);
  std::vector<std::uint64_t> ids;
  ids.reserve(taken.size());
  for (auto& pending : taken) ids.push_back(pending.id.value());
  return ids;
}

TEST(CompletionQueue, GivesThemOutInOrderUpToAnId) {
  CompletionQueue queue;
  for (std::uint64_t id = 1; id <= 6; ++id) {
    queue.reserve_one();
    queue.push(EntryId(2 * id), [](const Result<DurableId>&) {});
  }
  EXPECT_EQ(taken_through(queue, 1), (std::vector<std::uint64_t>{}));
  EXPECT_EQ(taken_through(queue, 5), (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(queue.front(), EntryId(6));
  EXPECT_EQ(taken_through(queue, 100), (std::vector<std::uint64_t>{6, 8, 10, 12}));
  EXPECT_TRUE(queue.empty());
}

TEST(CompletionQueue, GivesOutNoMoreThanThereIsRoomFor) {
  CompletionQueue queue;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    queue.reserve_one();
    queue.push(EntryId(id), [](const Result<DurableId>&) {});
  }
  std::vector<PendingCompletion> taken;
  taken.reserve(2);
  queue.take_through(EntryId(3), taken);
  EXPECT_EQ(taken.size(), taken.capacity());
  EXPECT_EQ(queue.front(), EntryId(taken.size() + 1));
}

TEST(CompletionQueue, LosesNoneWhileItIsFilledAndEmptiedInTurn) {
  CompletionQueue queue;
  std::uint64_t pushed = 0;
  std::uint64_t next = 1;
  for (std::uint64_t round = 0; round < 300; ++round) {
    for (std::uint64_t i = 0; i < 1 + round % 7; ++i) {
      queue.reserve_one();
      queue.push(EntryId(++pushed), [](const Result<DurableId>&) {});
    }
    const std::uint64_t through = pushed - std::min<std::uint64_t>(pushed, round % 5);
    for (const std::uint64_t id : taken_through(queue, through)) EXPECT_EQ(id, next++);
    EXPECT_EQ(next, std::max(next, through + 1));
  }
}

}  // namespace
}  // namespace durability::walog
