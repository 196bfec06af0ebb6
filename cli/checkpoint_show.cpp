// checkpoint show, checkpoint verify: both read all of the file and check it; show prints what it says.

#include "command.hpp"
#include "durability/base/crc32.hpp"
#include "durability/checkpoint/file.hpp"
#include "file_place.hpp"

namespace durability::cli {
namespace {

Result<CheckpointBytes> read(const std::string& file) {
  DURABILITY_TRY_ASSIGN(const FilePlace path, FilePlace::open_file(file));
  auto checkpoint = CheckpointFile(path.directory).read_bytes(path.name);
  if (!checkpoint) return located(path.parent, checkpoint.error());
  return checkpoint;
}

Outcome outcome_of(const CheckpointBytes& checkpoint, std::string text) {
  return {.fields = Json{{"version", checkpoint.version},
                         {"last_applied_id", checkpoint.last_applied.value()},
                         {"payload_len", checkpoint.payload.size()},
                         {"payload_crc", fmt::format("{:08x}", crc32(checkpoint.payload))}},
          .text = std::move(text),
          .error = {}};
}

Outcome run_show(const CommonOptions& options) {
  const auto checkpoint = read(options.place);
  if (!checkpoint) return Outcome::failed(checkpoint.error());
  return outcome_of(*checkpoint, fmt::format("version       {}\n"
                                             "last applied  {}\n"
                                             "payload       {} bytes, crc32 {:08x}\n",
                                             checkpoint->version, checkpoint->last_applied,
                                             checkpoint->payload.size(), crc32(checkpoint->payload)));
}

Outcome run_verify(const CommonOptions& options) {
  const auto checkpoint = read(options.place);
  if (!checkpoint) return Outcome::failed(checkpoint.error());
  return outcome_of(*checkpoint,
                    fmt::format("sound: version {}, last applied entry {}, {} bytes\n", checkpoint->version,
                                checkpoint->last_applied, checkpoint->payload.size()));
}

}  // namespace

void add_checkpoint_show(CLI::App& checkpoint, Selected& selected) {
  add_command<CommonOptions>(checkpoint,
                             {.name = "show",
                              .description = "Prints what a checkpoint says of itself, and checks it.",
                              .place = "FILE",
                              .place_description = "The checkpoint file"},
                             selected, run_show);
}

void add_checkpoint_verify(CLI::App& checkpoint, Selected& selected) {
  add_command<CommonOptions>(checkpoint,
                             {.name = "verify",
                              .description = "Reads a checkpoint and checks it.",
                              .place = "FILE",
                              .place_description = "The checkpoint file"},
                             selected, run_verify);
}

}  // namespace durability::cli
