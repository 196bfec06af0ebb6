#include "durability/testing/schedule_explorer.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace durability::testing {
namespace {

const ScheduleSearch* searching = nullptr;
std::string_view searching_for;

// A failed assertion of the standard library, std::terminate, a wild pointer: the process ends, but says
// under which schedule.
extern "C" void say_schedule(int signal) {
  std::signal(signal, SIG_DFL);
  if (searching != nullptr) {
    fmt::print(stderr, "{} | {}\n  the program was ended by signal {}\n", searching_for,
               searching->schedule(), signal);
  }
  std::raise(signal);
}

class SayingSchedule {
 public:
  SayingSchedule(const ScheduleSearch& search, std::string_view name) {
    searching = &search;
    searching_for = name;
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, say_schedule);
  }
  ~SayingSchedule() {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, SIG_DFL);
    searching = nullptr;
  }
  SayingSchedule(const SayingSchedule&) = delete;
  SayingSchedule& operator=(const SayingSchedule&) = delete;
};

}  // namespace

void ScheduleExplorer::explore(std::string_view name, const std::function<void()>& life) {
  complete_ = true;
  for (unsigned bound = 0; bound <= options_.preemptions; ++bound) {
    std::size_t shared = 0;
    do {  // again with what the runs before have found to be shared
      shared = world_.shared.size();
      complete_ = explore_up_to(bound, name, life);
    } while (complete_ && world_.shared.size() != shared);
    if (!complete_) return;
  }
}

bool ScheduleExplorer::explore_up_to(unsigned preemptions, std::string_view name,
                                     const std::function<void()>& life) {
  ScheduleSearch search(preemptions);
  const SayingSchedule saying(search, name);
  while (search.next()) {
    if (search.runs() > options_.most_runs || !run(search, name, life, nullptr)) return false;
  }
  return true;
}

void ScheduleExplorer::sample(std::string_view name, const ScheduleSample& sample,
                              const std::function<void()>& life) {
  auto search = ScheduleSearch::sampling(sample.preemptions, sample.seed);
  const SayingSchedule saying(search, name);
  while (search.runs() < sample.runs && search.next()) {
    if (!run(search, name, life, nullptr)) return;
  }
}

void ScheduleExplorer::repeat(std::string_view name, std::string_view schedule,
                              const std::function<void()>& life) {
  auto search = ScheduleSearch::repeating(schedule);
  if (!search) {
    failure_ = search.error().to_string();
    return;
  }
  const SayingSchedule saying(*search, name);
  static_cast<void>(search->next());
  trace_.clear();
  world_.shared.add_all();  // wherever the line says
  run(*search, name, life, &trace_);
}

bool ScheduleExplorer::run(ScheduleSearch& search, std::string_view name, const std::function<void()>& life,
                           std::string* trace) {
  ++runs_;
  const std::string wrong = Schedule::run(search, life, world_, trace);
  if (!wrong.empty()) failure_ = fmt::format("{} | {}\n  {}", name, search.schedule(), wrong);
  return wrong.empty();
}

}  // namespace durability::testing
