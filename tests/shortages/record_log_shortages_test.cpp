// The life of a record log, every shortage in it.

#include <gtest/gtest.h>

#include "census.hpp"
#include "durability/recordlog/reader.hpp"
#include "durability/recordlog/writer.hpp"
#include "witness.hpp"

namespace durability::shortages {
namespace {

using Writer = RecordLogWriter<std::string>;

constexpr const char* kPath = "deep/words.log";

RecordLogOptions small_buffer() {
  RecordLogOptions options;
  options.buffer_bytes = 128;
  options.flush = FlushPolicy::every(3);
  return options;
}

class Program {
 public:
  explicit Program(const Place& place) : place_(&place) {}

  void live() {
    append(4);
    sync();
    append_batch();
    append(5);
    sync();
    append(2);
    close();
    append(3);
    sync();
    append(1);
    close();
  }
  [[nodiscard]] const Witness& witness() const { return *witness_; }

 private:
  bool is_open() {
    for (int tries = 0; tries < 2 && !writer_; ++tries) {
      const auto directory = ask([&] { return place_->open(); });
      if (!directory) continue;
      auto opened = ask([&] { return Writer::open(*directory, kPath, small_buffer()); });
      if (!opened) continue;
      witness_->durable(opened->durable_number().value().entry());
      writer_.emplace(*std::move(opened));
    }
    return writer_.has_value();
  }
  void append(std::size_t count) {
    for (; count > 0 && is_open(); --count, ++next_) {
      const std::string text = word(next_);
      witness_->asks(next_);
      const auto answer = ask([&] { return writer_->append(text); });
      witness_->hears(next_, answer);
      if (!answer) after_error(answer.error());
    }
  }
  void append_batch() {
    if (!is_open()) return;
    const std::array<std::string, 3> words{word(next_), word(next_ + 1), word(next_ + 2)};
    for (std::size_t i = 0; i < words.size(); ++i) witness_->asks(next_ + i);
    const auto answer = ask([&] { return writer_->append_batch(words); });
    for (std::size_t i = 0; i < words.size(); ++i, ++next_) {
      witness_->hears(next_, answer ? EntryId(answer->value() + i + 1 - words.size()) : answer);
    }
    if (!answer) after_error(answer.error());
  }
  void sync() {
    if (!is_open()) return;
    const auto answer = ask([&] { return writer_->flush_and_sync(); });
    if (answer) witness_->durable(answer->entry());
    if (!answer) after_error(answer.error());
  }
  void close() {
    if (!writer_) return;
    const EntryId last = writer_->last_number();
    if (ask([&] { return writer_->close(); })) witness_->durable(last);
    writer_.reset();
    witness_->loses_its_writer();
  }
  void after_error(const Error& error) {
    if (has_ended(error)) close();
  }

  const Place* place_;
  std::optional<Writer> writer_;
  std::size_t next_ = 0;
  std::unique_ptr<Witness> witness_ = std::make_unique<Witness>();
};

TEST(RecordLogShortages, InARecordLog) {
  expect_to_bear(
      [](const InShortage& in_shortage) -> std::string {
        const Place place;
        Program program(place);
        in_shortage([&] { program.live(); });
        const auto directory = place.directory();
        auto writer = Writer::open(directory, kPath);
        if (!writer) return "does not open: " + writer.error().to_string();
        if (!writer->append(word(Witness::kMostWords - 1)) || !writer->close()) return "does not go on";
        auto words = RecordLogReader<std::string>(directory, kPath).read_all(ReadMode::kStrict);
        if (!words) return "cannot be read: " + words.error().to_string();
        words->pop_back();
        return program.witness().judge(EntryId(1), *words);
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor});
}

}  // namespace
}  // namespace durability::shortages
