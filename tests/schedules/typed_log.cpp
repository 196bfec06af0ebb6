#include "typed_log.hpp"

#include <utility>

#include "durability/walog/reader.hpp"

namespace durability::schedules {

TypedLog::TypedLog(std::shared_ptr<StepDirectory> disk, WalOptions options) : disk_(std::move(disk)) {
  const OneWay one_way;
  auto wal = Wal::open(disk_, small(std::move(options)));
  require_ok(wal, "open");
  wal_ = *std::move(wal);
}

TypedLog::~TypedLog() {
  if (!wal_) return;
  const OneWay one_way;
  wal_.reset();
}

Result<DurableId> TypedLog::append_durable(const std::string& text) {
  auto durable = wal_->append_durable(text);
  if (durable) require(disk_->has_synced(text), fmt::format("{} is acknowledged, not synced", text));
  return durable;
}

std::vector<std::string> TypedLog::entries() const {
  std::vector<std::string> entries;
  const auto read = WalReader<std::string>(disk_->plain())
                        .for_each(ReadMode::kStrict,
                                  [&](EntryId /*id*/, const std::string& text) { entries.push_back(text); });
  require_ok(read, "read");
  return entries;
}

}  // namespace durability::schedules
