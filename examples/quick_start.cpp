#include <durability/durability.hpp>
#include <iostream>
#include <map>
#include <string>
#include <variant>

struct Put {
  std::string key, value;
};
struct Erase {
  std::string key;
};
using Op = std::variant<Put, Erase>;  // an entry of the log; its fields are found by reflection
using Table = std::map<std::string, std::string>;

void change(Table& table, const Op& op) {
  if (const auto* put = std::get_if<Put>(&op)) table[put->key] = put->value;
  if (const auto* erase = std::get_if<Erase>(&op)) table.erase(erase->key);
}

int main() try {
  namespace d = durability;
  auto dir = d::FsDirectory::open("data").value();
  auto wal = d::WalWriter<Op>::open(dir).value();  // takes the lock: from here on nobody else writes

  // What the last run left: the checkpoint, then the log after it.
  auto recovered = d::recover_with_wal<Table, Op>(
                       dir, "table.ckpt", d::RecoveryOptions::best_effort(),
                       [](const std::optional<Table>& checkpoint) { return checkpoint.value_or(Table{}); },
                       [](Table& table, d::EntryId, const Op& op) { change(table, op); })
                       .value();
  Table table = std::move(recovered.state);
  std::cout << "recovered " << table.size() << " keys\n";

  const Op op = Put{"city", "Kyoto"};
  const d::EntryId id = wal.append(op).value();
  const d::DurableId durable = wal.flush_and_sync().value();  // survives a power cut from here on
  change(table, op);
  std::cout << "entry " << id << " is durable: city = " << table["city"] << '\n';

  // A checkpoint, and the log it covers deleted: each durable before the next.
  d::CheckpointPublisher(dir).publish(wal, table, durable, "table.ckpt").value();
  wal.close().value();
} catch (const std::exception& error) {  // value() throws where a call returned an error
  std::cerr << error.what() << '\n';
  return 1;
}
