// Writes the inputs that a fuzz target begins with:   fuzz_seeds <target> <directory>
//
// Files of the Rust crate come from tests/vectors, logs and record logs of this library from its writers.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "durability/formats.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "log_files.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargest = 6000;  // larger ones slow everything down, and show nothing else

const fs::path& vectors() {
  static const fs::path path = fs::path(DURABILITY_SOURCE_DIR) / "tests" / "vectors";
  return path;
}

/// The inputs of one target, as numbered files.
class Seeds {
 public:
  explicit Seeds(fs::path directory) : directory_(std::move(directory)) {
    fs::create_directories(directory_);
  }

  void add(ByteView input) {
    if (input.size() > kLargest) return;
    std::ofstream out(directory_ / fmt::format("{:04}", count_++), std::ios::binary);
    out << as_text(input);
    require(out.flush().good(), "writing a seed");
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  fs::path directory_;
  std::size_t count_ = 0;
};

Bytes contents_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  const auto bytes = as_bytes(text.view());
  return {bytes.begin(), bytes.end()};
}

std::vector<fs::path> sorted(const fs::path& directory) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(directory)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

using Log = std::map<std::uint64_t, Bytes>;  // contents by segment

void add_file(Log& log, const std::string& name, ByteView contents) {
  if (const auto id = formats::parse_segment_name(name)) {
    log[id->value()] = Bytes(contents.begin(), contents.end());
  }
}

Log log_in(Directory& directory) {
  Log log;
  for (const auto& [path, contents] : snapshot(directory)) {
    add_file(log, path.substr(path.rfind('/') + 1), as_bytes(contents));
  }
  return log;
}

std::vector<Log> crate_logs() {
  std::vector<fs::path> directories = sorted(vectors() / "crate" / "wal" / "cases");
  std::ranges::copy(sorted(vectors() / "segment_index" / "logs"), std::back_inserter(directories));
  std::vector<Log> logs;
  for (const auto& directory : directories) {
    Log log;
    if (!fs::exists(directory / "wal")) continue;
    for (const auto& file : sorted(directory / "wal")) add_file(log, file.filename(), contents_of(file));
    logs.push_back(std::move(log));
  }
  return logs;
}

WalOptions options_of(WalFormat format, std::size_t variant) {
  WalOptions options;
  options.format = format;
  options.segment_bytes = variant % 2 == 0 ? 256 : 512;
  if (variant % 3 == 0) options.preallocate_bytes = 0;
  if (variant % 4 == 1) options.first_entry_id = EntryId(100);
  options.recycle_segments = variant % 3;
  options.flush = variant % 5 == 0 ? FlushPolicy::per_append() : FlushPolicy::manual();
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(variant);
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

/// A log after each step of a writer's life: appending, batches, syncs, truncation, another version, a close.
void live(std::vector<Log>& logs, WalFormat first, WalFormat second, std::size_t variant) {
  const std::shared_ptr<Directory> directory = testing::CrashDirectory::make();
  for (const WalFormat format : {first, second}) {
    auto writer = WalWriter<Bytes>::open(directory, options_of(format, variant));
    require_ok(writer, "opening");
    for (std::size_t step = 0; step < 6; ++step) {
      const Bytes payload((step * 13 + variant) % 60, std::byte{0x61});
      require_ok(writer->append_bytes(payload), "appending");
      if (step % 3 == 1) {  // refused where the segment is of another version still
        const auto batch = writer->append_batch_atomic(std::vector<Bytes>(3, payload));
        require(batch || batch.error().code() == ErrorCode::kNotSupported, "appending a batch");
      }
      if (step == 4) {
        const auto durable = writer->flush_and_sync();
        require_ok(durable, "syncing");
        if (variant % 2 == 1) require_ok(writer->truncate_prefix(*durable), "truncating");
      } else {
        require_ok(writer->flush(), "flushing");
      }
      logs.push_back(log_in(*directory));
    }
    require_ok(writer->close(), "closing");
    logs.push_back(log_in(*directory));
  }
}

std::vector<Log> own_logs() {
  std::vector<Log> logs;
  std::size_t variant = 0;
  for (const WalFormat first : {WalFormat::kV4, WalFormat::kV3, WalFormat::kV2}) {
    for (const WalFormat second : {WalFormat::kV4, WalFormat::kV3}) live(logs, first, second, variant++);
  }
  for (; variant < 12; ++variant) live(logs, WalFormat::kV4, WalFormat::kV4, variant);
  return logs;
}

void seed_logs(Seeds& seeds, bool options) {
  std::vector<Log> logs = own_logs();
  std::ranges::move(crate_logs(), std::back_inserter(logs));
  for (const Log& log : logs) {
    Bytes input;
    if (options) input.push_back(static_cast<std::byte>(seeds.count() * 37 % 64));
    for (const auto& [segment, contents] : log) pack(input, segment, contents);
    seeds.add(input);
  }
}

/// Header and first frames of each segment, with the start value of their checksums.
void seed_frames(Seeds& seeds) {
  std::vector<Log> logs = own_logs();
  std::ranges::move(crate_logs(), std::back_inserter(logs));
  for (std::size_t index = 0; index < logs.size(); index += 5) {
    for (const auto& [segment, contents] : logs[index]) {
      const auto format = formats::stated_format(contents);
      if (!format || contents.size() < formats::wal_v4::kHeaderBytes) continue;
      const bool native = *format == WalFormat::kV4;
      Bytes input(5, static_cast<std::byte>(static_cast<unsigned>(*format) - 2));
      const std::uint32_t start =
          crc32(ByteView(contents).subspan(16, 8), crc32(ByteView(contents).subspan(24, 16)));
      store_le(MutableByteView(input), 1, native ? start : 0);
      const std::size_t header = native ? formats::wal_v4::kHeaderBytes : formats::wal_v3::kHeaderBytes;
      Bytes headed = input;
      headed.insert(headed.end(), contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(header));
      seeds.add(headed);
      input.insert(input.end(), contents.begin() + static_cast<std::ptrdiff_t>(header), contents.end());
      seeds.add(input);
    }
  }
}

void seed_record_logs(Seeds& seeds) {
  for (const auto& directory : sorted(vectors() / "crate" / "recordlog" / "cases")) {
    if (fs::exists(directory / "f.bin")) seeds.add(contents_of(directory / "f.bin"));
  }
  for (const RecordLogFormat format : {RecordLogFormat::kV1, RecordLogFormat::kV2}) {
    const auto directory = MemoryDirectory::make();
    RecordLogOptions options;
    options.format = format;
    options.flush = FlushPolicy::per_append();
    auto writer = RecordLogWriter<Bytes>::open(directory, "r.log", options);
    require_ok(writer, "opening");
    for (std::size_t size = 0; size < 40; size += 7) {
      require_ok(writer->append_bytes(Bytes(size, std::byte{0x61})), "appending");
      const auto bytes = directory->read_file("r.log", kLargest);
      require_ok(bytes, "reading");
      seeds.add(*bytes);
      seeds.add(ByteView(*bytes).first(bytes->size() - 3));
    }
  }
}

void seed_checkpoints(Seeds& seeds) {
  for (const auto& directory : sorted(vectors() / "crate" / "checkpoint" / "cases")) {
    if (fs::exists(directory / "f.bin")) seeds.add(contents_of(directory / "f.bin"));
  }
}

/// The last field of each line is hexadecimal.
void seed_values(Seeds& seeds, const fs::path& path) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const std::string hex = line.substr(line.rfind('\t') + 1);
    if (line.starts_with('#') || hex.size() % 2 != 0 ||
        hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
      continue;
    }
    Bytes input(1, static_cast<std::byte>(seeds.count() % 12));
    for (std::size_t at = 0; at < hex.size(); at += 2) {
      input.push_back(static_cast<std::byte>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
    seeds.add(input);
  }
}

bool seed(std::string_view target, Seeds& seeds) {
  if (target == "wal_dir_replay") {
    seed_logs(seeds, false);
  } else if (target == "wal_resume") {
    seed_logs(seeds, true);
  } else if (target == "wal_entry_decode") {
    seed_frames(seeds);
  } else if (target == "recordlog_read") {
    seed_record_logs(seeds);
  } else if (target == "checkpoint_read") {
    seed_checkpoints(seeds);
  } else if (target == "postcard_decode") {
    seed_values(seeds, vectors() / "postcard" / "vectors.txt");
    seed_values(seeds, vectors() / "segment_index" / "vectors.txt");
  }
  return seeds.count() > 0;
}

}  // namespace
}  // namespace durability::fuzz

int main(int argc, char** argv) {
  if (argc == 3) {
    durability::fuzz::Seeds seeds(argv[2]);
    if (durability::fuzz::seed(argv[1], seeds)) return 0;
  }
  fmt::print(stderr, "usage: fuzz_seeds <target> <directory>\n");
  return 2;
}
