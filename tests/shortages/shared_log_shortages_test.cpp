// The life of a log that many threads append to, every shortage in it: nobody hangs, each completion is
// called once, and what was acknowledged to anybody is there.

#include <gtest/gtest.h>

#include "census.hpp"
#include "durability/walog/sync_writer.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

using Writer = SyncWalWriter<std::string>;

/// How often each word's completion was called.
using Calls = std::array<std::atomic<int>, Witness::kMostWords>;

WalOptions small_and_soon_full() {
  WalOptions options = small_segments();
  options.max_in_flight = 4;
  return options;
}

class SharedProgram {
 public:
  SharedProgram(const Place& place, const WalOptions& options, Witness& witness)
      : place_(&place), options_(options), witness_(&witness) {}

  bool open() {
    for (int tries = 0; tries < 2 && !writer_; ++tries) {
      const auto directory = ask([&] { return place_->open(); });
      if (!directory) continue;
      auto opened = ask([&] { return Writer::open(*directory, copy_of_options()); });
      if (opened) writer_ = *std::move(opened);
    }
    if (writer_) witness_->durable(writer_->durable_id().value().entry());
    return writer_ != nullptr;
  }
  void append_durable(std::size_t first, std::size_t count) {
    for (std::size_t n = first; n < first + count; ++n) {
      const std::string text = word(n);
      witness_->asks(n);
      witness_->hears(n, ask([&] { return writer_->append_durable(text); }));
    }
  }
  void append_and_sync(std::size_t first, std::size_t count) {
    for (std::size_t n = first; n < first + count; ++n) {
      const std::string text = word(n);
      witness_->asks(n);
      const auto id = ask([&] { return writer_->append(text); });
      if (id) witness_->hears(n, ask([&] { return writer_->wait_until_durable(*id); }));
    }
    const auto upto = ask([&] { return writer_->flush_and_sync(); });
    if (upto) witness_->durable(upto->entry());
  }
  void append_with_completions(std::size_t first, std::size_t count) {
    for (std::size_t n = first; n < first + count; ++n) {
      const std::string text = word(n);
      witness_->asks(n);
      const Status appended = ask([&] {
        return writer_->append_durable(text, [this, n](const Result<DurableId>& durable) {
          ++calls_.at(n);
          witness_->hears(n, durable);
        });
      });
      if (appended) ++expected_.at(n);
    }
  }
  void truncate() {
    const auto upto = writer_->durable_id();
    witness_->truncates(upto->entry());
    static_cast<void>(ask([&] { return writer_->truncate_prefix(*upto); }).has_value());
  }
  void close() {
    close_beside([] {});
  }
  /// `others` waits for who still appends.
  template <class Others>
  void close_beside(Others others) {
    const EntryId last = writer_->last_entry_id();
    if (ask([&] { return writer_->close(); })) witness_->durable(last);
    others();
    for (std::size_t n = 0; n < Witness::kMostWords; ++n) {
      if (calls_.at(n) != expected_.at(n)) miscounted_ = true;
    }
    writer_.reset();
    witness_->loses_its_writer();
  }

  [[nodiscard]] std::string judge(const Place& place) const {
    if (miscounted_) return "a completion was not called once before close returned";
    const auto directory = place.directory();
    auto writer = Writer::open(directory, small_segments());
    if (!writer) return "does not open: " + writer.error().to_string();
    if (!(*writer)->append_durable(word(Witness::kMostWords - 1)) || !(*writer)->close())
      return "does not go on";
    const auto read = WalReader<std::string>(directory).replay(ReadMode::kStrict);
    if (!read) return "cannot be read: " + read.error().to_string();
    std::vector<std::string> words;
    for (const auto& record : *read) words.push_back(record.entry);
    words.pop_back();
    return witness_->judge(read->front().id, words);
  }

 private:
  [[nodiscard]] WalOptions copy_of_options() const {
    const Exempt exempt;
    return options_;
  }

  const Place* place_;
  WalOptions options_;
  Witness* witness_;
  std::unique_ptr<Writer> writer_;
  Calls calls_{};
  Calls expected_{};
  bool miscounted_ = false;
};

/// A thread of the life's own, not one that the library starts.
template <class Work>
std::thread start(Work work) {
  const Exempt exempt;
  return std::thread(std::move(work));
}

TEST(SharedLogShortages, InALogOfOneThread) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        Witness witness;
        WalOptions options = small_segments();
        const auto worker = std::make_shared<HandWorker>();
        options.worker = worker;
        SharedProgram program(place, options, witness);
        in_shortage([&] {
          if (!program.open()) return;
          program.append_durable(0, 8);
          worker->run_all();
          program.append_and_sync(8, 8);
          program.truncate();
          program.append_durable(16, 8);
          program.close();
          if (!program.open()) return;
          program.append_durable(24, 4);
          program.close();
        });
        return program.judge(place);
      },
      {Resource::kAllocation, Resource::kDescriptor});
}

void live_with_threads(SharedProgram& program) {
  if (!program.open()) return;
  std::thread first = start([&] { program.append_durable(0, 8); });
  std::thread second = start([&] { program.append_and_sync(100, 8); });
  std::thread third = start([&] { program.append_with_completions(200, 12); });
  program.append_durable(300, 4);
  program.truncate();
  program.append_durable(310, 4);
  first.join();
  second.join();
  third.join();
  program.close();
}

TEST(SharedLogShortages, InALogOfManyThreads) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        Witness witness;
        SharedProgram program(place, small_and_soon_full(), witness);
        in_shortage([&] { live_with_threads(program); });
        return program.judge(place);
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

TEST(SharedLogShortages, InALogThatIsClosedWhileThreadsAppend) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        Witness witness;
        SharedProgram program(place, small_and_soon_full(), witness);
        in_shortage([&] {
          if (!program.open()) return;
          std::thread first = start([&] { program.append_durable(0, 8); });
          std::thread second = start([&] { program.append_durable(100, 8); });
          program.append_with_completions(200, 6);
          program.close_beside([&] {
            first.join();
            second.join();
          });
        });
        return program.judge(place);
      },
      {Resource::kAllocation, Resource::kThread}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
