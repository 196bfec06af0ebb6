#pragma once

// One writer's life on a log: several threads append, some wait for durability, one makes a checkpoint and
// truncates. It goes on until its work is done, or until somebody kills it.

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "durability/durability.hpp"
#include "durability/testing/random.hpp"

namespace durability::soak {

/// A promise was broken; what() says which.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds) throw Broken(what);
}
template <class T>
T need(Result<T> result, const std::string& what) {
  if (!result) throw Broken(what + ": " + result.error().to_string());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline constexpr const char* kCheckpoint = "state.ckpt";
inline constexpr const char* kRecordLog = "records.log";

/// The state of all entries up to one: how many, and a hash over them in their order.
struct Digest {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  bool operator==(const Digest&) const = default;

  void add(const Bytes& entry) {
    ++count;
    hash = hash * 1'000'003 + crc32(entry);
  }
};

/// An entry says who wrote it; the rest of it follows from that.
struct Serial {
  std::uint32_t life = 0;
  std::uint32_t thread = 0;
  std::uint64_t number = 0;
  auto operator<=>(const Serial&) const = default;
};
[[nodiscard]] Bytes entry_of(const Serial& serial);
/// Throws where `entry` is not what entry_of made.
[[nodiscard]] Serial serial_of(const Bytes& entry);

/// Said by the writer once a kill can no longer take the entry. One write to a pipe.
struct Acknowledgement {
  std::uint64_t id = 0;
  Serial serial;
};
using Acknowledge = std::function<void(const Acknowledgement&)>;

/// What is random in a life.
struct Plan {
  std::uint64_t seed = 0;
  std::uint32_t life = 0;
  bool record_log = false;
  std::uint64_t appends = 0;  ///< of each thread
};

/// Opens the log in `directory`, works, closes. `acknowledge` is called from several threads.
void live(const std::shared_ptr<Directory>& directory, const Plan& plan, const Acknowledge& acknowledge);

/// The state that the checkpoint and the log give, up to an entry where one is named.
[[nodiscard]] Digest recover(const std::shared_ptr<Directory>& directory, bool record_log,
                             std::optional<EntryId> up_to = {});

}  // namespace durability::soak
