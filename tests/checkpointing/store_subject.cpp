#include "store_subject.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "durability/publish/publisher.hpp"
#include "durability/recover/recover.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/writer.hpp"

namespace durability::checkpointing {
namespace {

using testing::Crash;
using testing::Machine;

// Entries are words, and markers of the form `upto 7`. The state is all of them in order.
using Words = std::vector<std::string>;
using Wal = WalWriter<std::string>;

constexpr std::string_view kPath = "d/words.ckpt";
constexpr std::string_view kMarker = "upto ";
constexpr std::string_view kContinuations[] = {"aU", "asU",  "U",  "aC",  "afUa",
                                               "bs", "aTaU", "Uk", "AAU", "CTa"};

std::optional<std::uint64_t> upto_of_marker(std::string_view text) {
  if (!text.starts_with(kMarker)) return std::nullopt;
  std::uint64_t upto = 0;
  std::from_chars(text.data() + kMarker.size(), text.data() + text.size(), upto);
  return upto;
}

bool injected(const Error& error) { return error.to_string().find("injected:") != std::string::npos; }

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory) {
  return recover_with_wal<Words, std::string>(
      directory, kPath, RecoveryOptions::best_effort(),
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
}

std::string objection_to_markers(const std::shared_ptr<Directory>& directory, bool truncated_by_hand) {
  const auto checkpoint = CheckpointFile(directory).read_bytes(kPath);
  const std::uint64_t in_checkpoint = checkpoint ? checkpoint->last_applied.value() : 0;
  std::uint64_t newest = 0;
  const auto log = WalReader<std::string>(directory).for_each(
      ReadMode::kBestEffort,
      [&](EntryId, const std::string& text) { newest = std::max(newest, upto_of_marker(text).value_or(0)); });
  if (!log) return injected(log.error()) ? "" : log.error().to_string();
  if (newest > in_checkpoint) return "a marker names a checkpoint that is not there";
  if (log->first.value() > in_checkpoint + 1)
    return "the log begins later than the entry after the checkpoint";
  if (!truncated_by_hand && log->first.value() > newest + 1) {
    return "the log lost its beginning, and no marker says to which checkpoint";
  }
  return {};
}

}  // namespace

// A process that uses the store, from its opening on.
class StoreSubject::Session {
 public:
  Session(StoreSubject& store, Machine& machine) : store_(store), machine_(machine) {}
  ~Session() {
    // What a writer does when it is destroyed is not what a killed one does.
    static_cast<void>(machine_.directory()->after_kill());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What is wrong, after opening and `letters`.
  std::string play(std::string_view letters) {
    if (!wal_) note(open());
    for (const char letter : letters) {
      if (ended_) break;
      note(step(letter));
      if (wrong_.empty() && wal_) note_durable();
    }
    return wrong_;
  }

 private:
  void note(const Status& status) {
    if (status) return;
    ended_ = true;
    if (!injected(status.error()) && wrong_.empty()) wrong_ = status.error().to_string();
  }
  void violation(std::string_view what) {
    ended_ = true;
    wrong_ = what;
  }
  void note_durable() {
    if (const auto durable = wal_->durable_id()) {
      store_.acknowledged_ = std::max(store_.acknowledged_, durable->value());
    }
  }

  Status open() {
    WalOptions options;
    options.segment_bytes = store_.segment_bytes_;
    options.recycle_segments = store_.recycle_segments_;
    worker_ = std::make_shared<testing::ManualWorker>();
    options.worker = worker_;
    options.clock = std::make_shared<testing::ManualClock>();
    options.random = std::make_shared<testing::SeededRandom>(7 + store_.serial_);
    options.observer = std::make_shared<WalObserver>();  // hears, quietly, what a killed writer dropped
    DURABILITY_TRY_ASSIGN(auto wal, Wal::open(machine_.directory(), options));
    wal_ = std::make_unique<Wal>(std::move(wal));
    DURABILITY_TRY_ASSIGN(const auto found, recover_words(machine_.directory()));
    if (wal_->last_entry_id().value() != found.state.size())
      violation("the log ends elsewhere than the state");
    store_.attempted_.resize(std::min(store_.attempted_.size(), found.state.size()));
    if (found.state != store_.attempted_) violation("opening changed the state");
    std::erase_if(store_.batches_, [&](std::size_t end) { return end > found.state.size(); });
    store_.acknowledged_ = std::max(store_.acknowledged_, wal_->durable_id()->value());
    store_.flushed_ = store_.attempted_.size();
    return {};
  }

  std::string word(std::size_t bytes) {
    std::string text = fmt::format("word {} ", ++store_.serial_);
    text.resize(std::max(text.size(), bytes), 'x');
    store_.attempted_.push_back(text);
    return text;
  }

  Status step(char letter) {
    if (!wal_) DURABILITY_TRY(open());
    switch (letter) {
      case 'a': return wal_->append(word(8)).map([](EntryId) {});
      case 'A': return wal_->append(word(90)).map([](EntryId) {});
      case 'b': {
        Words batch;
        for (int i = 0; i < 3; ++i) batch.push_back(word(8));
        store_.batches_.push_back(store_.attempted_.size());
        return wal_->append_batch_atomic(batch).map([](EntryId) {});
      }
      case 'f':
        DURABILITY_TRY(wal_->flush());
        store_.flushed_ = store_.attempted_.size();
        return {};
      case 's': return sync().map([](DurableId) {});
      case 'C': return checkpoint();
      case 'U': return publish();
      case 'T': return truncate();
      case 'P': worker_->run_all(); return {};
      case 'c':
        DURABILITY_TRY(wal_->close());
        store_.acknowledged_ = store_.attempted_.size();
        wal_.reset();
        return open();
      case 'k':
        machine_.kill();
        wal_.reset();
        return open();
      default: return Error(ErrorCode::kInvalidConfig, "no such letter");
    }
  }

  Result<DurableId> sync() {
    DURABILITY_TRY_ASSIGN(const DurableId upto, wal_->flush_and_sync());
    store_.acknowledged_ = store_.flushed_ = store_.attempted_.size();
    if (upto.value() != store_.attempted_.size()) violation("flush_and_sync did not cover everything");
    return upto;
  }

  Status checkpoint() {
    DURABILITY_TRY_ASSIGN(const DurableId upto, sync());
    return CheckpointFile(machine_.directory()).write_durable(kPath, upto, store_.attempted_);
  }

  Status truncate() {
    store_.truncated_by_hand_ = true;
    auto durable = CheckpointFile(machine_.directory()).make_durable(kPath);
    if (!durable && durable.error().code() == ErrorCode::kNotFound) return {};
    if (!durable) return std::move(durable).error();
    return wal_->truncate_prefix(*durable).map([](const WalTruncation&) {});
  }

  Status publish() {
    DURABILITY_TRY_ASSIGN(const DurableId upto, sync());
    const Words state = store_.attempted_;
    const auto make_marker = [&](std::string_view, DurableId id) {
      store_.attempted_.push_back(fmt::format("{}{}", kMarker, id.value()));
      return store_.attempted_.back();
    };
    DURABILITY_TRY(CheckpointPublisher(machine_.directory()).publish(*wal_, state, upto, kPath, make_marker));
    DURABILITY_TRY_ASSIGN(const auto names, machine_.directory()->list("d"));
    if (names.size() != 1) violation("a temporary of an earlier publication is still there");
    store_.acknowledged_ = store_.flushed_ = store_.attempted_.size();
    return {};
  }

  StoreSubject& store_;
  Machine& machine_;
  std::shared_ptr<testing::ManualWorker> worker_;
  std::unique_ptr<Wal> wal_;
  std::string wrong_;
  bool ended_ = false;
};

std::string StoreSubject::work(Machine& machine) { return Session(*this, machine).play(history_); }

std::string StoreSubject::recover(Machine& machine, const Crash& crash) {
  const std::uint64_t before = machine.directory()->fingerprint();
  const auto recovered = recover_words(machine.directory());
  if (!recovered) return injected(recovered.error()) ? "" : recovered.error().to_string();
  const Words& state = recovered->state;
  if (state.size() < acknowledged_)
    return fmt::format("{} words were acknowledged, {} are there", acknowledged_, state.size());
  if (crash.killed() && state.size() < flushed_)
    return fmt::format("{} words were flushed, {} are there", flushed_, state.size());
  if (state.size() > attempted_.size()) return "there is more than was appended";
  if (!std::equal(state.begin(), state.end(), attempted_.begin()))
    return "the state is not what was appended";
  if (std::ranges::any_of(batches_,
                          [&](std::size_t end) { return state.size() < end && state.size() + 3 > end; })) {
    return "a batch is torn";
  }
  if (recovered->last_applied.value() != state.size()) return "last_applied is not the last word's";
  if (auto wrong = objection_to_markers(machine.directory(), truncated_by_hand_); !wrong.empty())
    return wrong;
  if (machine.directory()->fingerprint() != before) return "recovery wrote something";
  if (!crash.killed()) {
    // What a power cut left is on the disk: it must stay.
    acknowledged_ = std::max<std::uint64_t>(acknowledged_, state.size());
    flushed_ = 0;
  }
  const std::string_view letters = kContinuations[crash.seed % std::size(kContinuations)];
  const std::string wrong = Session(*this, machine).play(letters);
  return wrong.empty() ? "" : fmt::format("with '{}' after crash {}: {}", letters, crash.number, wrong);
}

std::string StoreSubject::name() const {
  return fmt::format("{} {} {}", history_, segment_bytes_, recycle_segments_);
}

std::optional<std::uint64_t> StoreSubject::knowledge() const {
  std::uint64_t state = acknowledged_;
  const auto add = [&](std::uint64_t number) {
    state ^= number;
    state = testing::next_random(state);
  };
  add(flushed_);
  add(serial_);
  add(batches_.size());
  for (const std::string& word : attempted_) add(std::hash<std::string>()(word));
  return state;
}

std::vector<std::unique_ptr<testing::CrashSubject>> StoreSubject::smaller() const {
  std::vector<std::unique_ptr<CrashSubject>> less;
  for (std::size_t i = 0; i < history_.size(); ++i) {
    std::string shorter = history_;
    shorter.erase(i, 1);
    less.push_back(std::make_unique<StoreSubject>(shorter, segment_bytes_, recycle_segments_));
  }
  return less;
}

}  // namespace durability::checkpointing
