#pragma once

// What both servers serve: a table, the changes that make it, and a protocol of lines.
//
//   put KEY VALUE    ok ID         the change is durable
//   get KEY          value VALUE, or none
//   pause            pause N       the event loop's longest pause so far, in microseconds
//   anything else    error TEXT

#include <durability/async.hpp>
#include <durability/durability.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

struct Put {
  std::string key, value;
};
using Table = std::map<std::string, std::string>;
using Log = durability::AsyncWal<Put>;

inline void apply(Table& table, const Put& put) { table[put.key] = put.value; }

/// The words of a line; a put's value may hold spaces.
struct Request {
  std::string_view verb, key, value;

  static Request parse(std::string_view line) {
    Request request;
    request.verb = cut(line);
    request.key = cut(line);
    request.value = line;
    return request;
  }

 private:
  static std::string_view cut(std::string_view& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
    return word;
  }
};

/// Whether the log takes nothing more; a new process finds all that was acknowledged.
inline bool ended_the_log(const durability::Error& error) {
  return error.code() == durability::ErrorCode::kIo || error.code() == durability::ErrorCode::kPoisoned;
}

/// The answer to a put.
inline std::string acknowledgement(const durability::Result<durability::DurableId>& durable) {
  return durable ? fmt::format("ok {}\n", *durable) : fmt::format("error {}\n", durable.error());
}

/// The answer to anything else.
inline std::string answer(const Table& table, const Request& request, std::chrono::microseconds pause) {
  if (request.verb == "get") {
    const auto found = table.find(std::string(request.key));
    return found == table.end() ? "none\n" : "value " + found->second + "\n";
  }
  if (request.verb == "pause") return fmt::format("pause {}\n", pause.count());
  return "error put KEY VALUE, get KEY or pause\n";
}
