#include "life.hpp"

#include <mutex>
#include <thread>
#include <vector>

namespace durability::soak {
namespace {

using testing::SeededRandom;

FlushPolicy any_policy(SeededRandom& random) {
  switch (random.below(4)) {
    case 0: return FlushPolicy::per_append();
    case 1: return FlushPolicy::every(1 + random.below(100));
    case 2: return FlushPolicy::interval(std::chrono::milliseconds(1 + random.below(20)));
    default: return FlushPolicy::manual();
  }
}

WalOptions any_options(SeededRandom& random) {
  WalOptions options;
  // Mostly the log goes on in its version, sometimes in another.
  if (random.one_in(4)) options.format = static_cast<WalFormat>(2 + random.below(3));
  options.segment_bytes = std::uint64_t{4096} << (2 * random.below(5));
  if (random.one_in(3)) options.preallocate_bytes = options.segment_bytes / (1 + random.below(4));
  if (random.one_in(5)) options.segment_max_age = std::chrono::milliseconds(20);
  options.recycle_segments = random.below(3);
  options.buffer_bytes = std::size_t{1} << random.below(18);
  options.flush = any_policy(random);
  return options;
}

/// Runs `work(thread)` on so many threads; throws on what the first of them threw.
template <class Work>
void on_threads(std::uint32_t count, Work work) {
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (std::uint32_t index = 0; index < count; ++index) {
    threads.emplace_back([&, index] {
      try {
        work(index);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

class LogLife {
 public:
  LogLife(std::shared_ptr<Directory> directory, const Plan& plan, const Acknowledge& acknowledge)
      : directory_(std::move(directory)), plan_(plan), acknowledge_(acknowledge), random_(plan.seed) {}

  void run() {
    writer_ = need(SyncWalWriter<Bytes>::open(directory_, any_options(random_)), "opening");
    opened_with_ = writer_->durable_id();
    on_threads(1 + static_cast<std::uint32_t>(random_.below(6)),
               [this](std::uint32_t thread) { append(thread); });
    need(writer_->close(), "closing");
  }

 private:
  void append(std::uint32_t thread) {
    SeededRandom random(plan_.seed + thread);
    const std::uint64_t checkpoint = random.below(2 * plan_.appends);
    std::vector<Acknowledgement> waiting;
    for (std::uint64_t number = 0; number < plan_.appends; ++number) {
      if (thread == 0 && number == checkpoint) make_checkpoint();
      const Serial serial{plan_.life, thread, number};
      if (random.one_in(3)) {
        const DurableId id = need(writer_->append_durable(entry_of(serial)), "appending durably");
        acknowledge_({id.value(), serial});
      } else {
        const EntryId id = need(writer_->append(entry_of(serial)), "appending");
        waiting.push_back({id.value(), serial});
      }
      if (!random.one_in(20)) continue;
      if (random.one_in(2)) {
        need(writer_->flush(), "flushing");
      } else {
        need(writer_->flush_and_sync(), "syncing");
      }
      for (const auto& done : waiting) acknowledge_(done);
      waiting.clear();
    }
  }

  // Of what the log held when it was opened: all later lives have checked that.
  void make_checkpoint() {
    if (!opened_with_ || opened_with_->value() == 0) return;
    const Digest state = recover(directory_, false, opened_with_->entry());
    require(state.count == opened_with_->value(), "a state recovered beside the writer lacks entries");
    need(CheckpointFile(directory_).write_durable(kCheckpoint, *opened_with_, state), "writing a checkpoint");
    need(writer_->truncate_prefix(*opened_with_), "truncating");
  }

  std::shared_ptr<Directory> directory_;
  const Plan& plan_;
  const Acknowledge& acknowledge_;
  SeededRandom random_;
  std::unique_ptr<SyncWalWriter<Bytes>> writer_;
  std::optional<DurableId> opened_with_;
};

void live_with_record_log(const std::shared_ptr<Directory>& directory, const Plan& plan,
                          const Acknowledge& acknowledge) {
  SeededRandom random(plan.seed);
  RecordLogOptions options;
  options.format = random.one_in(2) ? RecordLogFormat::kV1 : RecordLogFormat::kV2;
  options.buffer_bytes = std::size_t{1} << random.below(18);
  options.flush = any_policy(random);
  auto writer = need(RecordLogWriter<Bytes>::open(directory, kRecordLog, options), "opening");
  std::vector<Acknowledgement> waiting;
  for (std::uint64_t number = 0; number < plan.appends; ++number) {
    const Serial serial{plan.life, 0, number};
    waiting.push_back({need(writer.append(entry_of(serial)), "appending").value(), serial});
    if (!random.one_in(10)) continue;
    if (random.one_in(2)) {
      need(writer.flush(), "flushing");
    } else {
      need(writer.flush_and_sync(), "syncing");
    }
    for (const auto& done : waiting) acknowledge(done);
    waiting.clear();
  }
  need(writer.close(), "closing");
}

}  // namespace

Bytes entry_of(const Serial& serial) {
  std::uint64_t state = serial.life * 31 + serial.thread * 17 + serial.number;
  const std::uint64_t dice = testing::next_random(state) % 1000;
  const std::size_t size = dice == 0 ? 200'000 : dice < 100 ? dice * 40 : dice / 8;
  Bytes entry(16 + size);
  store_le(MutableByteView(entry), 0, serial.life);
  store_le(MutableByteView(entry), 4, serial.thread);
  store_le(MutableByteView(entry), 8, serial.number);
  for (std::size_t at = 16; at < entry.size(); at += 8) {
    const std::uint64_t noise = testing::next_random(state);
    std::memcpy(entry.data() + at, &noise, std::min<std::size_t>(8, entry.size() - at));
  }
  return entry;
}

Serial serial_of(const Bytes& entry) {
  require(entry.size() >= 16, "an entry that nobody wrote");
  const Serial serial{load_le<std::uint32_t>(entry, 0), load_le<std::uint32_t>(entry, 4),
                      load_le<std::uint64_t>(entry, 8)};
  require(entry == entry_of(serial), "an entry that nobody wrote like this");
  return serial;
}

void live(const std::shared_ptr<Directory>& directory, const Plan& plan, const Acknowledge& acknowledge) {
  if (plan.record_log) {
    live_with_record_log(directory, plan, acknowledge);
  } else {
    LogLife(directory, plan, acknowledge).run();
  }
}

Digest recover(const std::shared_ptr<Directory>& directory, bool record_log, std::optional<EntryId> up_to) {
  const auto begin = [](const std::optional<Digest>& stored) { return stored.value_or(Digest{}); };
  const auto apply = [](Digest& state, EntryId, const Bytes& entry) { state.add(entry); };
  RecoveryOptions options = RecoveryOptions::best_effort();
  if (up_to) options = options.up_to(*up_to);
  if (record_log) {
    return need(recover_with_record_log<Digest, Bytes>(directory, std::nullopt, kRecordLog, options, begin,
                                                       apply),
                "recovering")
        .state;
  }
  return need(recover_with_wal<Digest, Bytes>(directory, kCheckpoint, options, begin, apply), "recovering")
      .state;
}

}  // namespace durability::soak
