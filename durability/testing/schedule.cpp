#include "durability/testing/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

namespace durability::testing {
namespace {

// A life has some hundred steps: one that has so many does not end.
constexpr std::uint64_t kMostSteps = 100'000;

Schedule* under_way = nullptr;

std::uint64_t mix(std::uint64_t one, std::uint64_t other) noexcept {
  std::uint64_t mixed = (one ^ (other * 0x9e3779b97f4a7c15U)) + 0x2545f4914f6cdd1dU;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

Schedule* Schedule::current() noexcept { return under_way; }

Meeting::Meeting() noexcept {
  if (under_way == nullptr) return;
  id_ = under_way->new_id();
  history_ = id_;
  shared_ = under_way->world_->shared.contains(id_);
}

Meeting::~Meeting() {
  gone_ = true;  // what touches it later says so
  if (under_way != nullptr) under_way->note_sharing(*this, Access::kChange);
}

std::uint64_t Schedule::new_id() {
  Thread& thread = *threads_[self_];
  return mix(thread.id, ++thread.created);
}

Fiber& Schedule::fiber(ThreadNumber number) {
  auto& fibers = world_->fibers;
  if (number == fibers.size()) fibers.push_back(std::make_unique<Fiber>());
  return *fibers[number];
}

Schedule::ThreadNumber Schedule::start(std::function<void()> body) {
  const ThreadNumber number = threads_.size();
  auto thread = std::make_unique<Thread>();
  thread->id = threads_.empty() ? 1 : new_id();
  thread->history = threads_.empty() ? 1 : mix(thread->id, threads_[self_]->history);
  thread->fiber = &fiber(number);
  thread->body = std::move(body);
  thread->fiber->begin([this] { finish(); });
  state_ += mix(thread->id, thread->history);
  threads_.push_back(std::move(thread));
  threads_.back()->end = std::make_unique<Meeting>();
  return number;
}

// What a thread's fiber does.
void Schedule::finish() {
  Thread& thread = *threads_[self_];
  try {
    thread.body();
    thread.body = nullptr;
  } catch (const std::exception& exception) {
    fail(fmt::format("thread {} ended with an exception: {}", self_, exception.what()));
  } catch (...) {
    fail(fmt::format("thread {} ended with an exception", self_));
  }
  met({.what = "end", .at = thread.end.get()});
  thread.finished = true;
  ++steps_;
  turn();
}

void Schedule::join(ThreadNumber thread) {
  Thread& other = *threads_[thread];
  reach("join", *other.end, Access::kChange, [&] { return other.finished; });
}

Meeting& Schedule::meeting_at(const void* address) {
  Meeting*& at = addresses_[address];
  if (at == nullptr) at = &keep_meeting();
  return *at;
}

void Schedule::wait_at(const void* address) {
  bool woken = false;
  Meeting& at = meeting_at(address);
  waiting_at_.push_back({.address = address, .woken = &woken});
  met({.what = "sleep", .at = &at});
  reach("a wait for an atomic", at, Access::kLook, [&] { return woken; });
}

void Schedule::notify_at(const void* address, bool all) {
  reach(all ? "atomic notify_all" : "atomic notify_one", meeting_at(address), Access::kChange);
  const auto waits_there = [address](const WaitingAt& waiting) { return waiting.address == address; };
  const auto there = static_cast<std::size_t>(std::ranges::count_if(waiting_at_, waits_there));
  if (there == 0) return;
  const std::size_t chosen = all ? 0 : choose(there);
  std::size_t at = 0;
  std::erase_if(waiting_at_, [&](const WaitingAt& waiting) {
    const bool wake = waits_there(waiting) && (all || at++ == chosen);
    if (wake) *waiting.woken = true;
    return wake;
  });
}

Meeting& Schedule::keep_meeting() { return *kept_.emplace_back(std::make_unique<Meeting>()); }

void Schedule::decide_again() {
  const Thread* const self = threads_[self_].get();
  reach("decide again", *self->end, Access::kChange, [this, self] {
    return std::ranges::none_of(threads_,
                                [&](const auto& other) { return other.get() != self && can_go(*other); });
  });
  one_way_ = false;
}

void Schedule::yield() {
  Step step{.what = "yield"};
  step.yields = true;
  reach(step);
}

void Schedule::reach(const Step& step) {
  if (++steps_ > kMostSteps) fail("the run does not end");
  Thread& thread = *threads_[self_];
  thread.step = step;
  if (step.yields || step.at->shared_ || !can_go(thread)) turn();
  if (step.at != nullptr && step.at->gone_) fail(fmt::format("{} of what has been destroyed", step.what));
  met(step);
  thread.why = nullptr;
  thread.step = {.what = "run"};
}

void Schedule::met(const Step& step) {
  Thread& thread = *threads_[self_];
  if (trace_ != nullptr) {
    *trace_ += fmt::format("{} {}", self_, step.what);
    if (step.at != nullptr) *trace_ += fmt::format(" {:04x}", step.at->id_ & 0xffffU);
    *trace_ += '\n';
  }
  state_ -= mix(thread.id, thread.history);
  if (step.at == nullptr) {
    thread.history = mix(thread.history, 1);
  } else {
    Meeting& at = *step.at;
    note_sharing(at, step.access);
    state_ -= mix(at.id_, at.history_ + at.readers_);
    if (step.access == Access::kLook) {
      thread.history = mix(thread.history, at.history_);
      at.readers_ += mix(thread.id, thread.history);
    } else {
      thread.history = mix(thread.history, mix(at.history_, at.readers_));
      at.history_ = thread.history;
      at.readers_ = 0;
    }
    state_ += mix(at.id_, at.history_ + at.readers_);
  }
  state_ += mix(thread.id, thread.history);
}

void Schedule::note_sharing(Meeting& at, Access access) {
  if (at.shared_) return;
  (access == Access::kLook ? at.lookers_ : at.changers_) |= std::uint64_t{1} << (self_ % 64U);
  const std::uint64_t all = at.lookers_ | at.changers_;
  if (at.changers_ == 0 || (all & (all - 1)) == 0) return;
  at.shared_ = true;
  world_->shared.add(at.id_);
}

bool Schedule::can_go(const Thread& thread) const {
  if (thread.finished) return false;
  return thread.step.is_ready == nullptr || thread.step.is_ready(thread.step.of);
}

// Decides who goes next, and returns when it is the calling thread again.
void Schedule::turn() {
  able_.clear();
  const bool goes_on = can_go(*threads_[self_]);
  const bool yields = threads_[self_]->step.yields;
  if (goes_on && !yields) able_.push_back(self_);
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    const ThreadNumber other = (self_ + i) % threads_.size();
    if (can_go(*threads_[other])) able_.push_back(other);
  }
  if (goes_on && yields) able_.push_back(self_);
  if (able_.empty()) {
    const bool over = std::ranges::all_of(threads_, [](const auto& thread) { return thread->finished; });
    if (!over) fail(describe_deadlock());
    threads_[self_]->fiber->switch_to(root_);
  }
  std::size_t option = 0;
  if (able_.size() > 1 && !one_way_) {
    option = search_->decide({.position = steps_,
                              .options = able_.size(),
                              .preempts = goes_on,
                              .state = mix(state_, 2 * self_ + (yields ? 1 : 0))});
  }
  switch_to(able_[option]);
}

void Schedule::switch_to(ThreadNumber next) {
  if (next == self_) return;
  Fiber& from = *threads_[self_]->fiber;
  self_ = next;
  from.switch_to(*threads_[next]->fiber);
}

std::size_t Schedule::choose(std::size_t options) {
  if (options < 2 || one_way_) return 0;
  Thread& thread = *threads_[self_];
  const std::size_t chosen = search_->decide({.position = ++steps_,
                                              .options = options,
                                              .preempts = false,
                                              .state = mix(state_, mix(self_, options))});
  state_ -= mix(thread.id, thread.history);
  thread.history = mix(thread.history, chosen);
  state_ += mix(thread.id, thread.history);
  return chosen;
}

void Schedule::explain_waiting(std::function<std::string()> why) { threads_[self_]->why = std::move(why); }

std::string Schedule::describe_deadlock() const {
  std::string description = "no thread can go on:";
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = *threads_[i];
    if (thread.finished) continue;
    description += fmt::format(" {} at {}", i, thread.step.what);
    if (thread.why) description += thread.why();
    description += ';';
  }
  description.pop_back();
  return description;
}

void Schedule::fail(std::string what) {
  failure_ = std::move(what);
  threads_[self_]->fiber->switch_to(root_);
  std::abort();
}

std::string Schedule::run(ScheduleSearch& search, const std::function<void()>& life, ScheduleWorld& world,
                          std::string* trace) {
  // Of a run that failed the fibers are left as they stand, and with them what they hold.
  auto schedule = std::unique_ptr<Schedule>(new Schedule(search, world, trace));
  under_way = schedule.get();
  schedule->start(life);
  schedule->root_.switch_to(*schedule->threads_.front()->fiber);
  std::string failure = std::move(schedule->failure_);
  // Its threads stand somewhere in the middle, and can be neither ended nor unwound.
  if (!failure.empty()) static_cast<void>(schedule.release());  // NOLINT(bugprone-unused-return-value)
  under_way = nullptr;
  return failure;
}

void break_off(const std::string& what) {
  if (Schedule* const schedule = Schedule::current()) schedule->fail(what);
  std::abort();
}

}  // namespace durability::testing
