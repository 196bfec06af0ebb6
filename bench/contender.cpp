#include "contender.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

namespace {

[[noreturn]] void usage(const char* what) {
  std::fprintf(stderr, "%s\nusage: <append|durable|in-flight|replay|open> DIRECTORY [--name value]...\n",
               what);
  std::exit(2);
}

double number(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || value < 0) usage(text);
  return value;
}

double microseconds(const std::vector<std::uint32_t>& sorted, double part) {
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return sorted[at] / 1e3;
}

/// The most memory this process ever held. Not getrusage: that counts what stood here before exec, too.
std::uint64_t peak_kib() {
  std::uint64_t kib = 0;
  std::FILE* status = std::fopen("/proc/self/status", "re");
  std::array<char, 256> line{};
  while (status != nullptr && std::fgets(line.data(), line.size(), status) != nullptr) {
    if (std::strncmp(line.data(), "VmHWM:", 6) == 0) kib = std::strtoull(line.data() + 6, nullptr, 10);
  }
  if (status != nullptr) std::fclose(status);
  return kib;
}

}  // namespace

Job Job::parse(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) usage("wrong number of arguments");
  Job job;
  job.work = argv[1];
  job.directory = argv[2];
  constexpr std::array kWorks{"append", "durable", "in-flight", "replay", "open"};
  if (std::ranges::find(kWorks, job.work) == kWorks.end()) usage(argv[1]);
  for (int i = 3; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* const value = argv[i + 1];
    if (name == "--variant") {
      job.variant = value;
    } else if (name == "--entries") {
      job.entries = static_cast<std::uint64_t>(number(value));
    } else if (name == "--bytes") {
      job.bytes = static_cast<std::size_t>(number(value));
    } else if (name == "--threads") {
      job.threads = static_cast<unsigned>(number(value));
    } else if (name == "--seconds") {
      job.seconds = number(value);
    } else if (name == "--in-flight") {
      job.in_flight = static_cast<std::size_t>(number(value));
    } else if (name == "--segment-bytes") {
      job.segment_bytes = static_cast<std::uint64_t>(number(value));
    } else {
      usage(argv[i]);
    }
  }
  return job;
}

void Measurement::print() const {
  const std::uint64_t peak = peak_kib();  // before the sorting below takes some
  std::printf(R"({"entries": %llu, "seconds": %.9f, "peak_kib": %llu)",
              static_cast<unsigned long long>(entries), seconds, static_cast<unsigned long long>(peak));
  if (!latencies_ns.empty()) {
    std::vector<std::uint32_t> sorted = latencies_ns;
    std::ranges::sort(sorted);
    std::printf(R"(, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f)", microseconds(sorted, 0.5),
                microseconds(sorted, 0.99), microseconds(sorted, 1));
  }
  std::printf("}\n");
}

}  // namespace bench
