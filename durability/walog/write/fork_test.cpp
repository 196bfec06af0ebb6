// A child of fork has a copy of a writer: its buffer, its positions, and descriptors that share the lock. A
// child that appended was told ok and its entries were gone; one that closed or destroyed the writer waited
// for threads that are not there. A child is nobody.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/test_directories.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/sync_writer.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::fails_with;

/// Runs `body` in a child, which must end by itself; true where it says so and is not hung up.
template <class Body>
[[nodiscard]] bool holds_in_a_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a child that hangs is killed
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <class... Results>
bool all_refused(const Results&... results) {
  return (fails_with(results, ErrorCode::kInvalidState) && ...);
}

class AChildOfFork : public ::testing::Test {
 protected:
  WalOptions options() {
    WalOptions options;  // with threads of its own
    options.segment_bytes = 136;
    return options;
  }
  internal::TemporaryDirectory temporary_;
  std::shared_ptr<Directory> directory_ = FsDirectory::open(temporary_.path()).value();
};

TEST_F(AChildOfFork, IsRefusedByAWriterAndMayDestroyIt) {
  auto writer = WalWriter<std::string>::open(directory_, options()).value();
  ASSERT_TRUE(writer.append("a"));
  const DurableId durable = writer.flush_and_sync().value();
  ASSERT_TRUE(writer.append("b"));
  EXPECT_TRUE(holds_in_a_child([&] {
    const bool refused = all_refused(writer.append("child"), writer.flush(), writer.flush_and_sync(),
                                     writer.truncate_prefix(durable), writer.begin_publication(),
                                     writer.configure([](WalTuning&) {}), writer.close());
    const auto destroyed = std::move(writer);
    return refused;
  }));
  ASSERT_TRUE(writer.append("c"));
  ASSERT_TRUE(writer.close());
  EXPECT_EQ(WalReader<std::string>(directory_).count(ReadMode::kStrict).value(), 3U);
}

TEST_F(AChildOfFork, IsRefusedByAWriterOfManyThreadsAndMayDestroyIt) {
  auto writer = SyncWalWriter<std::string>::open(directory_, options()).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer->append_durable("a"));
  const DurableId durable = *writer->durable_id();
  EXPECT_TRUE(holds_in_a_child([&] {
    const bool refused =
        all_refused(writer->append("child"), writer->append_durable("child"),
                    writer->append_durable("child", [](const Result<DurableId>&) {}), writer->flush(),
                    writer->flush_and_sync(), writer->truncate_prefix(durable), writer->begin_publication(),
                    writer->configure([](WalTuning&) {}), writer->close());
    const bool looks = writer->last_entry_id() == EntryId(3);
    writer.reset();
    return refused && looks;
  }));
  ASSERT_TRUE(writer->append_durable("b"));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(WalReader<std::string>(directory_).count(ReadMode::kStrict).value(), 4U);
}

// The mutex may be held by a thread that is not there in the child.
TEST_F(AChildOfFork, DoesNotWaitForAThreadThatIsNotThere) {
  auto writer = SyncWalWriter<std::string>::open(directory_, options()).value();
  bool held = false;
  const Status configured = writer->configure([&](WalTuning&) {
    held = holds_in_a_child([&] {
      const bool refused = all_refused(writer->append("child"), writer->close());
      writer.reset();
      return refused;
    });
  });
  EXPECT_TRUE(configured);
  EXPECT_TRUE(held);
  ASSERT_TRUE(writer->close());
}

}  // namespace
}  // namespace durability::walog
