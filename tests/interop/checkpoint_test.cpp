// Checkpoints: the crate writes (0.6.4: version 1, later ones: version 2) and we read; we write version 2,
// byte for byte what the crate writes, and the crate reads; damaged ones get the same verdict.

#include "../compat/file_verdicts.hpp"
#include "durability/testing/random.hpp"
#include "log_files.hpp"
#include "session.hpp"
#include "tally.hpp"

namespace durability::interop {
namespace {

using testing::SeededRandom;

class CheckpointInterop : public InteropTest {};

json verdict_of(CrateProgram& crate, const std::filesystem::path& directory) {
  json verdict = crate.ask("checkpoint-read crate=0.10.0 file=c.ckpt dir=" + directory.string());
  verdict.erase("message");
  return verdict;
}

constexpr const char* kFile = "c.ckpt";

json our_verdict(const std::filesystem::path& directory) {
  return compat::reading_checkpoint(FsDirectory::open(directory).value(), kFile);
}

std::string damage(Bytes& file, SeededRandom& random) {
  const auto at = random.below(random.one_in(2) ? 28 : file.size());
  switch (random.below(3)) {
    case 0: file.resize(at); return fmt::format("cut to {}", at);
    case 1: file[at] ^= static_cast<std::byte>(1U << random.below(8)); return fmt::format("bit at {}", at);
    default: file.resize(file.size() + 1 + random.below(20)); return "longer";
  }
}

std::string crate_writes(CrateProgram& crate, std::string_view version,
                         const std::filesystem::path& directory, EntryId id, ByteView payload) {
  const json answer = crate.ask(fmt::format("checkpoint-write crate={} dir={} file={} id={} payload={}",
                                            version, directory.string(), kFile, id.value(), hex(payload)));
  return answer.at("ok").get<bool>() ? std::string() : "refused: " + answer.dump();
}

std::string write(CrateProgram& crate, FirstWriter first, const std::filesystem::path& directory, EntryId id,
                  ByteView payload, SeededRandom& random) {
  if (first == FirstWriter::kCrate) {
    return crate_writes(crate, crate_version(static_cast<Writer>(random.below(3))), directory, id, payload);
  }
  const CheckpointFile files(FsDirectory::open(directory).value());
  if (auto done = files.write_bytes(kFile, id, payload); !done) return done.error().to_string();
  const Bytes ours = contents_of(directory / kFile);
  if (auto wrong = crate_writes(crate, "0.10.0", directory, id, payload); !wrong.empty()) return wrong;
  return ours == contents_of(directory / kFile) ? std::string() : "not what the crate writes";
}

std::string one_checkpoint(CrateProgram& crate, FirstWriter first, std::uint64_t seed, Tally& tally) {
  constexpr int kDamagedCopies = 4;
  Scratch scratch;
  SeededRandom random(seed);
  const auto directory = scratch.fresh();
  const Bytes payload = random.bytes(random.below(random.one_in(20) ? 100'000 : 400));
  const EntryId id(random.one_in(4) ? random.next_u64() : random.below(1000));
  if (auto wrong = write(crate, first, directory, id, payload, random); !wrong.empty()) return wrong;
  const json sound = our_verdict(directory);
  const json expected{{"ok", true},
                      {"last_applied_id", id.value()},
                      {"payload_len", payload.size()},
                      {"payload_crc", fmt::format("{:08x}", crc32(payload))}};
  if (sound != expected || verdict_of(crate, directory) != expected) return "read as " + sound.dump();
  for (int copies = 0; copies < kDamagedCopies; ++copies) {
    Bytes file = contents_of(directory / kFile);
    const std::string how = damage(file, random);
    const auto copy = scratch.fresh();
    replace(copy / kFile, file);
    const json theirs = verdict_of(crate, copy);
    const json ours = our_verdict(copy);
    tally.damaged();
    tally.count("refused", !ours.at("ok").get<bool>());
    if (theirs == ours) continue;
    const auto name = compat::deliberate_checkpoint_difference(
        theirs, ours, [&] { return FsDirectory::open(copy).value(); }, kFile);
    if (name.empty()) return fmt::format("{}\n  crate {}\n  ours  {}", how, theirs.dump(), ours.dump());
    tally.difference(name);
  }
  return {};
}

void run(CrateProgram& crate, FirstWriter first) {
  Tally tally{"refused"};
  run_histories(first, tally, [&](std::uint64_t seed) { return one_checkpoint(crate, first, seed, tally); });
}

TEST_F(CheckpointInterop, WhatTheCrateWroteWeReadAndSayTheSameOfItDamaged) {
  run(*crate_, FirstWriter::kCrate);
}

TEST_F(CheckpointInterop, WhatWeWroteIsWhatTheCrateWritesAndItSaysTheSameOfItDamaged) {
  run(*crate_, FirstWriter::kOurs);
}

}  // namespace
}  // namespace durability::interop
