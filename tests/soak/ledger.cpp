#include "ledger.hpp"

#include <fmt/format.h>

#include <set>

namespace durability::soak {

void Ledger::acknowledge(const Acknowledgement& said) {
  const bool first = acknowledged_.emplace(said.id, said.serial).second;
  require(first, fmt::format("the id {} was given out twice in one life", said.id));
  require(said.id > state_.count, fmt::format("the id {} was given out again", said.id));
  ++all_acknowledged_;
}

void Ledger::settle(std::uint32_t life) {
  reopen();
  compare(life);
  require(recover(directory_, record_log_) == state_, "recovery yields another state than the entries do");
}

void Ledger::reopen() const {
  if (record_log_) {
    auto writer = need(RecordLogWriter<Bytes>::open(directory_, kRecordLog), "opening again");
    return need(writer.close(), "closing again");
  }
  auto writer = need(WalWriter<Bytes>::open(directory_), "opening again");
  need(writer.close(), "closing again");
}

template <class Fn>
void Ledger::for_each_new(Fn&& fn) const {
  if (record_log_) {
    const RecordLogReader<Bytes> reader(directory_, kRecordLog);
    need(reader.for_each_after(EntryId(state_.count), ReadMode::kStrict, fn), "reading");
  } else {
    const auto reader = WalReader<Bytes>(directory_).from(EntryId(state_.count + 1));
    need(reader.for_each(ReadMode::kStrict, fn), "reading");
  }
}

void Ledger::compare(std::uint32_t life) {
  Digest state = state_;
  std::set<Serial> seen;
  for_each_new([&](EntryId id, const Bytes& entry) {
    require(id.value() == state.count + 1, fmt::format("entry {} does not follow {}", id, state.count));
    state.add(entry);
    const Serial serial = serial_of(entry);
    require(serial.life == life, fmt::format("entry {} is of another life", id));
    require(seen.insert(serial).second, fmt::format("entry {} is there twice", id));
    const auto said = acknowledged_.find(id.value());
    if (said == acknowledged_.end()) return;
    require(said->second == serial, fmt::format("entry {} is another one than was acknowledged", id));
    acknowledged_.erase(said);
  });
  if (!acknowledged_.empty()) {
    throw Broken(fmt::format("{} ACKNOWLEDGED ENTRIES ARE MISSING, the first is {}; the log ends at {}",
                             acknowledged_.size(), acknowledged_.begin()->first, state.count));
  }
  state_ = state;
}

void Ledger::look_on() const {
  const auto count = record_log_ ? RecordLogReader<Bytes>(directory_, kRecordLog).count(ReadMode::kBestEffort)
                                 : WalReader<Bytes>(directory_).count(ReadMode::kBestEffort);
  // Truncation may take away what is being read.
  if (count || count.error().code() == ErrorCode::kTruncatedAway || count.error().code() == ErrorCode::kBusy)
    return;
  throw Broken("reading beside the writer: " + count.error().to_string());
}

}  // namespace durability::soak
