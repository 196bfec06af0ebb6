#include "model.hpp"

#include <algorithm>

#include "durability/testing/random.hpp"
#include "durability/walog/read/byte_reader.hpp"

namespace durability::crash {
namespace {

// A serial number, and after it zeros in every third payload: frames that end in zeros are the ones a
// reader could take for the end.
Bytes make_payload(std::uint64_t serial, std::size_t bytes) {
  Bytes payload(std::max<std::size_t>(bytes, 4));
  const auto filler = static_cast<std::byte>(serial % 3 == 0 ? 0 : 0x60 + serial % 26);
  std::fill(payload.begin(), payload.end(), filler);
  store_le(payload, 0, static_cast<std::uint32_t>(serial));
  return payload;
}

}  // namespace

Reading read_log(const std::shared_ptr<Directory>& directory, ReadMode mode) {
  Reading reading;
  std::optional<std::uint64_t> first;
  const auto report =
      walog::ByteReader(directory).for_each(mode, {}, [&](const WalEntryView& view) -> Result<Flow> {
        if (!first) first = view.id.value();
        if (view.id.value() != *first + reading.payloads.size()) {
          return Error(ErrorCode::kInvalidState, fmt::format("entry {} was delivered out of turn", view.id));
        }
        reading.payloads.emplace_back(view.payload.begin(), view.payload.end());
        return Flow::kContinue;
      });
  if (!report) reading.error = report.error();
  reading.first = first.value_or(report ? report->first.value() : 1);
  if (report && report->next.value() != reading.next()) {
    reading.error =
        Error(ErrorCode::kInvalidState, "the report's next id is not the one after what was delivered");
  }
  return reading;
}

std::vector<Bytes> Model::append(std::size_t count, std::size_t bytes, bool atomic) {
  std::vector<Bytes> payloads;
  for (std::size_t i = 0; i < count; ++i) {
    ++serial_;
    payloads.push_back(make_payload(serial_, bytes + serial_ % 7));
    entries_.push_back({payloads.back(), atomic && i + 1 < count});
  }
  return payloads;
}

std::uint64_t Model::hash() const {
  std::uint64_t state = serial_;
  const auto add = [&](std::uint64_t number) {
    state ^= number;
    state = testing::next_random(state);
  };
  for (const std::uint64_t number : {acknowledged_, flushed_, truncated_}) add(number);
  add(cache_lies_ ? 1 : 2);
  add(power_cuts_ ? 1 : 2);
  for (const Entry& entry : entries_)
    add(load_le<std::uint32_t>(entry.payload, 0) * 2 + (entry.more ? 1 : 0));
  return state;
}

void Model::acknowledge(std::uint64_t id) { acknowledged_ = std::max(acknowledged_, id); }
void Model::truncate(std::uint64_t id) { truncated_ = std::max(truncated_, id); }

void Model::settle(std::uint64_t next) {
  entries_.resize(std::min<std::size_t>(entries_.size(), next - 1));
  flushed_ = std::min(flushed_, last());
}

std::string Model::objection_to_next(std::uint64_t next, bool killed) const {
  const std::uint64_t left = next - 1;
  if (left < acknowledged_) {
    return fmt::format("entry {} was acknowledged, and the log goes on with {}", acknowledged_, next);
  }
  if (killed && !cache_lies_ && left < flushed_) {
    return fmt::format("entry {} was flushed before a kill, and the log goes on with {}", flushed_, next);
  }
  if (left > last())
    return fmt::format("{} entries were appended, and the log goes on with {}", last(), next);
  if (left > 0 && entries_[left - 1].more) return fmt::format("the batch of entry {} is torn", left);
  return {};
}

std::string Model::objection_to(const Reading& reading, bool killed) const {
  if (reading.error) return reading.error->to_string();
  if (reading.first > truncated_ + 1) {
    return fmt::format("the log begins at {}, and was truncated to {} at most", reading.first, truncated_);
  }
  if (auto objection = objection_to_next(reading.next(), killed); !objection.empty()) return objection;
  return objection_to_payloads(reading);
}

std::string Model::objection_to_live(const Reading& reading, std::uint64_t floor) const {
  if (reading.next() <= floor) {
    return fmt::format("entry {} was flushed before, and the reading ends at {}", floor, reading.next());
  }
  if (reading.next() - 1 > last()) return "more was read than appended";
  return objection_to_payloads(reading);
}

std::string Model::objection_to_payloads(const Reading& reading) const {
  for (std::size_t i = 0; i < reading.payloads.size(); ++i) {
    const std::uint64_t id = reading.first + i;
    if (reading.payloads[i] != entries_[id - 1].payload) {
      return fmt::format("entry {} is not the one that was appended last under this id", id);
    }
  }
  return {};
}

}  // namespace durability::crash
