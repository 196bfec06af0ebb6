// Checkpoints: the crate writes (0.6.4: version 1, later ones: version 2) and we read; we write version 2,
// byte for byte what the crate writes, and the crate reads; damaged ones get the same verdict.

#include <iostream>
#include <map>

#include "durability/testing/random.hpp"
#include "log_files.hpp"
#include "program.hpp"
#include "session.hpp"

namespace durability::interop {
namespace {

using testing::SeededRandom;

class CheckpointInterop : public InteropTest {};

json our_verdict(const std::filesystem::path& directory) {
  const auto read = CheckpointFile(FsDirectory::open(directory).value()).read_bytes("c.ckpt");
  if (!read) return {{"ok", false}, {"kind", code_name(read.error().code())}};
  return {{"ok", true},
          {"last_applied_id", read->last_applied.value()},
          {"payload_len", read->payload.size()},
          {"payload_crc", fmt::format("{:08x}", crc32(read->payload))}};
}

json verdict_of(CrateProgram& crate, const std::filesystem::path& directory) {
  json verdict = crate.ask("checkpoint-read crate=0.10.0 file=c.ckpt dir=" + directory.string());
  verdict.erase("message");
  return verdict;
}

std::string damage(Bytes& file, SeededRandom& random) {
  const auto at = random.below(random.one_in(2) ? 28 : file.size());
  switch (random.below(3)) {
    case 0: file.resize(at); return fmt::format("cut to {}", at);
    case 1: file[at] ^= static_cast<std::byte>(1U << random.below(8)); return fmt::format("bit at {}", at);
    default: file.resize(file.size() + 1 + random.below(20)); return "longer";
  }
}

// Ours: bytes behind the payload are `format`. The crate does not look.
bool longer_is_bad(const json& crate, const json& ours, std::string_view how) {
  return how == "longer" && crate.at("ok") && !ours.at("ok") && ours.at("kind") == "format";
}

TEST_F(CheckpointInterop, EachReadsWhatTheOtherWroteAndSaysTheSameOfItDamaged) {
  Scratch scratch;
  std::map<std::string_view, std::uint64_t> kinds{{"sound", 0}, {"refused", 0}, {"longer", 0}};
  for (std::uint64_t seed = 1; seed <= histories(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    const auto directory = scratch.fresh();
    const Bytes payload = random.bytes(random.below(random.one_in(20) ? 100'000 : 400));
    const EntryId id(random.one_in(4) ? random.next_u64() : random.below(1000));
    const auto writer = static_cast<Writer>(random.below(4));
    const auto crate_writes = [&](std::string_view version) {
      const json answer =
          crate_->ask(fmt::format("checkpoint-write crate={} dir={} file=c.ckpt id={} payload={}", version,
                                  directory.string(), id.value(), hex(payload)));
      ASSERT_TRUE(answer.at("ok")) << answer;
    };
    if (is_crate(writer)) {
      crate_writes(crate_version(writer));
    } else {
      const CheckpointFile files(FsDirectory::open(directory).value());
      ASSERT_TRUE(files.write_bytes("c.ckpt", id, payload));
      const Bytes ours = contents_of(directory / "c.ckpt");
      crate_writes("0.10.0");
      ASSERT_EQ(ours, contents_of(directory / "c.ckpt")) << "not what the crate writes";
    }
    const json sound = our_verdict(directory);
    ASSERT_TRUE(sound.at("ok")) << sound;
    ASSERT_EQ(sound.at("payload_len"), payload.size());
    ASSERT_EQ(sound, verdict_of(*crate_, directory));
    ++kinds["sound"];
    for (int copies = 0; copies < 4; ++copies) {
      Bytes file = contents_of(directory / "c.ckpt");
      const std::string how = damage(file, random);
      const auto copy = scratch.fresh();
      replace(copy / "c.ckpt", file);
      const json crate = verdict_of(*crate_, copy);
      const json ours = our_verdict(copy);
      const bool longer = longer_is_bad(crate, ours, how);
      ASSERT_TRUE(ours == crate || longer) << how << "\n  crate " << crate << "\n  ours  " << ours;
      ++kinds[longer ? "longer" : ours.at("ok") ? "sound" : "refused"];
    }
  }
  for (const auto& [kind, count] : kinds) {
    std::cout << kind << ": " << count << ". ";
    EXPECT_GT(count, 0U) << kind;
  }
  std::cout << std::endl;
}

}  // namespace
}  // namespace durability::interop
