#include "program.hpp"

#include <algorithm>

#include "durability/publish/publisher.hpp"

namespace durability::shortages {
namespace {

using Writer = WalWriter<std::string>;
using Words = std::vector<std::string>;

}  // namespace

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory,
                                      std::optional<EntryId> ceiling) {
  auto options = RecoveryOptions::best_effort();
  if (ceiling) options = options.up_to(*ceiling);
  return recover_with_wal<Words, std::string>(
      directory, Program::kCheckpoint, options,
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
}

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 512;
  options.buffer_bytes = 128;
  options.flush = FlushPolicy::every(3);
  return options;
}

void Program::play(std::string_view letters) {
  for (const char letter : letters) step(letter);
}

void Program::step(char letter) {
  if (letter == 'c') return close();
  if (letter == 'w') return worker_->run_all();
  if (!is_open()) return;
  switch (letter) {
    case 'a': return append();
    case 'b': return append_batch(false);
    case 't': return append_batch(true);
    case 'f': return judge(ask([&] { return writer_->flush(); }));
    case 's': return sync();
    case 'm': return truncate();
    case 'p': return publish();
    default: std::abort();
  }
}

// Twice: a shortage that lasts ends the life.
bool Program::is_open() {
  for (int tries = 0; tries < 2 && !writer_; ++tries) {
    auto directory = ask([&] { return place_->open(); });
    if (!directory) continue;
    directory_ = *std::move(directory);
    auto opened = ask([&] {
      std::optional<Exempt> exempt(std::in_place);
      WalOptions options = options_;
      exempt.reset();
      return Writer::open(directory_, std::move(options));
    });
    if (!opened) continue;
    witness_->durable(opened->durable_id().value().entry());
    writer_.emplace(*std::move(opened));
  }
  return writer_.has_value();
}

// A writer that has ended is closed, and opened again.
template <class T>
void Program::judge(const Result<T>& answer) {
  if (answer || !has_ended(answer.error())) return;
  was_ended_ = true;
  close();
}

void Program::append() {
  const std::string text = word(next_);
  witness_->asks(next_);
  const auto answer = ask([&] { return writer_->append(text); });
  witness_->hears(next_++, answer);
  judge(answer);
}

void Program::append_batch(bool atomic) {
  const std::array<std::string, 3> words{word(next_), word(next_ + 1), word(next_ + 2)};
  for (std::size_t i = 0; i < words.size(); ++i) witness_->asks(next_ + i);
  const auto answer =
      ask([&] { return atomic ? writer_->append_batch_atomic(words) : writer_->append_batch(words); });
  for (std::size_t i = 0; i < words.size(); ++i, ++next_) {
    witness_->hears(next_, answer ? EntryId(answer->value() + i + 1 - words.size()) : answer);
  }
  judge(answer);
}

void Program::sync() {
  const auto answer = ask([&] { return writer_->flush_and_sync(); });
  if (answer) witness_->durable(answer->entry());
  judge(answer);
}

void Program::truncate() {
  const DurableId upto = writer_->durable_id().value();
  witness_->truncates(upto.entry());
  judge(ask([&] { return writer_->truncate_prefix(upto); }));
}

// The state is what recovery makes of the log, markers among the words.
void Program::publish() {
  const auto upto = ask([&] { return writer_->flush_and_sync(); });
  if (!upto) return judge(upto);
  witness_->durable(upto->entry());
  std::optional<Exempt> exempt(std::in_place);
  const auto state = recover_words(place_->directory());
  if (!state || state->last_applied != upto->entry()) std::abort();
  exempt.reset();
  const auto published = ask([&] {
    return CheckpointPublisher(directory_)
        .publish(*writer_, state->state, *upto, kCheckpoint, [&](std::string_view, DurableId) {
          witness_->asks(next_);
          return word(next_);
        });
  });
  if (published) witness_->hears(next_, Result<EntryId>(*published->marker));
  if (published) witness_->durable(*published->marker);
  ++next_;
  judge(published);
}

void Program::close() {
  if (!writer_) return;
  const EntryId last = writer_->last_entry_id();
  if (ask([&] { return writer_->close(); })) witness_->durable(last);
  writer_.reset();
  directory_.reset();
  witness_->loses_its_writer();
}

std::string Program::make_log_go_on() const {
  auto writer = Writer::open(place_->directory(), small_segments());
  if (!writer) return "does not open: " + writer.error().to_string();
  return writer->append(word(Witness::kMostWords - 1)) && writer->close() ? "" : "does not go on";
}

std::string Program::judge_log() const {
  if (auto wrong = make_log_go_on(); !wrong.empty()) return wrong;
  const auto read = WalReader<std::string>(place_->directory()).replay(ReadMode::kStrict);
  if (!read) return "cannot be read: " + read.error().to_string();
  Words words;
  for (const auto& record : *read) words.push_back(record.entry);
  words.pop_back();
  return witness_->judge(read->front().id, words);
}

std::string Program::judge_recovery() const {
  if (auto wrong = make_log_go_on(); !wrong.empty()) return wrong;
  auto recovered = recover_words(place_->directory());
  if (!recovered) return "does not recover: " + recovered.error().to_string();
  if (recovered->ignored_checkpoint) return "a checkpoint was ignored";
  recovered->state.pop_back();
  return witness_->judge(EntryId(1), recovered->state);
}

}  // namespace durability::shortages
