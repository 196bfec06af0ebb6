// The crash explorer at a log that is not the library's: own_log.hpp. With `left` it finds what its author
// forgot, and prints the line that repeats it; with `cut` it finds nothing. Given the number of records and
// the path of such a line, it goes that way alone, and shows the disk before and after each crash.
//
//   own_log left|cut [RECORDS PATH]

#include "own_log.hpp"

#include <algorithm>
#include <iostream>

#include "durability/testing/explorer.hpp"

namespace d = durability;
namespace t = durability::testing;

namespace {

/// The log, and what was promised to whoever appended.
class Subject final : public t::CrashSubject {
 public:
  Subject(OwnLog::Tail tail, int records) : tail_(tail), records_(records) {}

  std::string work(t::Machine& machine) override { return append(machine, records_); }

  std::string recover(t::Machine& machine, const t::Crash& /*crash*/) override { return append(machine, 1); }

  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override {
    return std::make_unique<Subject>(*this);
  }
  [[nodiscard]] std::string name() const override { return fmt::format("own log of {} records", records_); }
  [[nodiscard]] std::vector<std::unique_ptr<CrashSubject>> smaller() const override {
    std::vector<std::unique_ptr<CrashSubject>> less;
    if (records_ > 1) less.push_back(std::make_unique<Subject>(tail_, records_ - 1));
    return less;
  }

 private:
  std::string append(t::Machine& machine, int count) {
    auto log = OwnLog::open(*machine.directory(), tail_);
    if (!log) return unless_injected(log.error());
    const auto& found = log->records();
    if (found.size() < promised_.size() || !std::equal(promised_.begin(), promised_.end(), found.begin())) {
      return fmt::format("{} records were promised, {} are there", promised_.size(), found.size());
    }
    promised_ = found;
    for (; count > 0; --count) {
      const std::string text = fmt::format("record {}", promised_.size() + 1);
      if (const auto done = log->append(text); !done) return unless_injected(done.error());
      promised_.push_back(text);
    }
    return {};
  }

  // The explorer's own cut is not the log's mistake.
  static std::string unless_injected(const d::Error& error) {
    const std::string text = error.to_string();
    return text.find("injected:") == std::string::npos ? text : "";
  }

  OwnLog::Tail tail_;
  int records_;
  std::vector<std::string> promised_;
};

t::ExplorerOptions options() {
  t::ExplorerOptions options;
  options.disk.sector_bytes = 16;
  options.depth = 2;
  options.profiles = {t::CrashProfile::ordered(), t::CrashProfile::writeback()};
  return options;
}

int explore(OwnLog::Tail tail) {
  t::Explorer explorer(options());
  explorer.explore(Subject(tail, 3));
  std::cout << explorer.report() << explorer.failure() << '\n';
  return explorer.failure().empty() ? 0 : 1;
}

int repeat(OwnLog::Tail tail, int records, std::string_view line) {
  const auto path = t::parse_crash_path(line);
  if (!path) {
    std::cerr << path.error() << '\n';
    return 2;
  }
  std::string story;
  const std::string wrong = follow(Subject(tail, records), options().disk, options().profiles, *path, &story);
  std::cout << story << (wrong.empty() ? "nothing is wrong" : wrong) << '\n';
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view tail = argc > 1 ? argv[1] : "";
  if ((tail != "left" && tail != "cut") || (argc != 2 && argc != 4)) {
    std::cerr << "usage: own_log left|cut [RECORDS PATH]\n";
    return 2;
  }
  const auto chosen = tail == "left" ? OwnLog::Tail::kLeft : OwnLog::Tail::kCut;
  return argc == 2 ? explore(chosen) : repeat(chosen, std::atoi(argv[2]), argv[3]);
}
