// kv_store DIR [SEGMENT_BYTES]: a key-value store, by commands on standard input:
//   put KEY VALUE | erase KEY | checkpoint | dump
// Each change that is durable is acknowledged by a line `<entry id> <command>`.

#include "kv_store.hpp"

#include <cstdlib>
#include <iostream>

namespace {

durability::Status run(KvStore& store, const std::string& command) {
  const std::size_t verb_end = command.find(' ');
  const std::string verb = command.substr(0, verb_end);
  const std::string rest = verb_end == std::string::npos ? "" : command.substr(verb_end + 1);
  if (verb == "put" && rest.find(' ') != std::string::npos) {
    const std::size_t key_end = rest.find(' ');
    DURABILITY_TRY_ASSIGN(const auto id, store.put(rest.substr(0, key_end), rest.substr(key_end + 1)));
    std::cout << id << ' ' << command << '\n' << std::flush;
  } else if (verb == "erase" && !rest.empty()) {
    DURABILITY_TRY_ASSIGN(const auto id, store.erase(rest));
    std::cout << id << ' ' << command << '\n' << std::flush;
  } else if (command == "checkpoint") {
    DURABILITY_TRY(store.checkpoint());
    std::cout << command << '\n' << std::flush;
  } else if (command == "dump") {
    for (const auto& [key, value] : store.table()) std::cout << key << ' ' << value << '\n';
    std::cout << std::flush;
  } else {
    return durability::Error(durability::ErrorCode::kInvalidConfig, "no such command: " + command)
        .advise("use put KEY VALUE, erase KEY, checkpoint or dump");
  }
  return {};
}

durability::Status run_all(const char* path, const durability::WalOptions& options) {
  DURABILITY_TRY_ASSIGN(auto directory, durability::FsDirectory::open(path));
  DURABILITY_TRY_ASSIGN(auto store, KvStore::open(std::move(directory), options));
  std::string command;
  while (std::cout && std::getline(std::cin, command)) DURABILITY_TRY(run(store, command));
  return store.close();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: kv_store DIR [SEGMENT_BYTES] < commands\n";
    return 2;
  }
  durability::WalOptions options;
  if (argc == 3) options.segment_bytes = std::strtoull(argv[2], nullptr, 10);  // 0 is refused by open
  if (const auto done = run_all(argv[1], options); !done) {
    std::cerr << "kv_store: " << done.error() << '\n';
    return 1;
  }
  return std::cout ? 0 : 1;
} catch (const std::exception& exception) {  // out of memory
  std::cerr << "kv_store: " << exception.what() << '\n';
  return 1;
}
