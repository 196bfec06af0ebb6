#pragma once

// A table of keys and values that survives crashes and power cuts. Made to be copied: all of its state is
// the map, all of its changes are entries of a log, and a checkpoint keeps the log short.

#include <durability/durability.hpp>
#include <map>
#include <string>
#include <variant>

struct Put {
  std::string key, value;
};
struct Erase {
  std::string key;
};
using Change = std::variant<Put, Erase>;  // stored in this order: add new kinds after the last one
using Table = std::map<std::string, std::string>;

class KvStore {
 public:
  /// Opens or makes the store; `lock_failed` where another process has it open.
  static durability::Result<KvStore> open(std::shared_ptr<durability::Directory> directory,
                                          durability::WalOptions options = {}) {
    // The writer first: it takes the lock, so that nobody changes what is recovered meanwhile.
    DURABILITY_TRY_ASSIGN(auto log, Log::open(directory, std::move(options)));
    DURABILITY_TRY_ASSIGN(
        auto recovered,
        (durability::recover_with_wal<Table, Change>(
            directory, kCheckpoint, durability::RecoveryOptions::best_effort(),
            [](std::optional<Table> table) { return std::move(table).value_or(Table{}); },
            [](Table& table, durability::EntryId, const Change& change) { apply(table, change); })));
    return KvStore(std::move(directory), std::move(log), std::move(recovered.state));
  }

  /// Durable once they return. After an error nobody knows yet: open the store again, and look.
  durability::Result<durability::DurableId> put(std::string key, std::string value) {
    return change(Put{std::move(key), std::move(value)});
  }
  durability::Result<durability::DurableId> erase(std::string key) { return change(Erase{std::move(key)}); }

  /// Writes the whole table, then drops the log that it covers.
  durability::Status checkpoint() {
    DURABILITY_TRY_ASSIGN(const auto durable, log_.flush_and_sync());
    DURABILITY_TRY(publisher_.publish(log_, table_, durable, kCheckpoint));
    return {};
  }

  durability::Status close() { return log_.close(); }

  [[nodiscard]] const Table& table() const { return table_; }

 private:
  using Log = durability::WalWriter<Change>;
  static constexpr const char* kCheckpoint = "table.ckpt";

  KvStore(std::shared_ptr<durability::Directory> directory, Log log, Table table)
      : log_(std::move(log)), publisher_(std::move(directory)), table_(std::move(table)) {}

  // The log first, the table second: what is seen in the table is durable.
  durability::Result<durability::DurableId> change(const Change& change) {
    DURABILITY_TRY(log_.append(change));
    DURABILITY_TRY_ASSIGN(const auto durable, log_.flush_and_sync());
    apply(table_, change);
    return durable;
  }

  static void apply(Table& table, const Change& change) {
    if (const auto* put = std::get_if<Put>(&change)) table[put->key] = put->value;
    if (const auto* erase = std::get_if<Erase>(&change)) table.erase(erase->key);
  }

  Log log_;
  durability::CheckpointPublisher publisher_;
  Table table_;
};
