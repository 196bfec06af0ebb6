#pragma once

// One writer's life: what it is given, what it does, how it ends; by this library or by a version of the
// crate.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "crate_program.hpp"
#include "durability/durability.hpp"
#include "durability/testing/random.hpp"

namespace durability::interop {

enum class Writer : std::uint8_t { kCrate06, kCrate07, kCrate010, kOursV2, kOursV3 };

[[nodiscard]] constexpr bool is_crate(Writer writer) { return writer <= Writer::kCrate010; }
[[nodiscard]] std::string_view crate_version(Writer writer);
[[nodiscard]] std::string_view name_of(Writer writer);

enum class StepKind : std::uint8_t {
  kAppend,
  kBatch,
  kFlush,
  kSync,
  kOld,    ///< from here on every segment is too old, so that each entry begins a new one
  kYoung,  ///< from here on none is
};

struct Step {
  StepKind kind = StepKind::kFlush;
  std::vector<Bytes> payloads;
};

struct Session {
  Writer writer = Writer::kCrate010;
  std::uint64_t segment_bytes = 1U << 20U;
  std::uint64_t preallocate_bytes = 0;
  std::size_t buffer_bytes = 0;       ///< 0 is the crate's unbuffered writer, 1 byte with us
  std::string_view flush = "append";  ///< as the crate's program spells it: rust/src/dialect.rs
  bool killed = false;                ///< ends as a process that dies does: what was not flushed is lost
  std::vector<Step> steps{};
};

struct SessionReport {
  std::uint64_t first = 0;  ///< the id that its first entry got, or would have got
  std::uint64_t next = 0;
  std::uint64_t rotations = 0;
  std::uint64_t by_age = 0;
};

/// `random` decides everything but the writer.
Session random_session(Writer writer, testing::SeededRandom& random);

/// Runs it in `directory`; `killed` is an empty folder, which a session that is killed leaves its log in.
/// Yields what the writer said, with the error's text in `error` where it refused.
SessionReport run(const Session& session, CrateProgram& crate, const std::filesystem::path& directory,
                  const std::filesystem::path& killed, std::string& error);

// In the words of the crate's program, and back.
std::string hex(ByteView bytes);
std::string spelled(const std::vector<Step>& steps);
FlushPolicy policy_of(std::string_view flush);

}  // namespace durability::interop
