#include "history.hpp"

#include <utility>

#include "durability/testing/random.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::crash {
namespace {

constexpr std::chrono::hours kMaxAge{1};
constexpr std::size_t kSmall = 6;
constexpr std::size_t kLarge = 90;

class Silent final : public WalObserver {};

bool injected(const Error& error) { return error.to_string().find("injected:") != std::string::npos; }
bool by_the_cut(const Error& error) {
  const std::string text = error.to_string();
  return text.find("injected: cut off") != std::string::npos ||
         text.find("injected: the machine is dead") != std::string::npos;
}

}  // namespace

Segments segments_of(Directory& directory) {
  Segments segments;
  const auto ids = walog::list_segments(directory);
  if (!ids) return segments;  // the machine is dead
  for (const SegmentId id : *ids) {
    const std::string path = walog::segment_path(id);
    if (auto contents = directory.read_file(path, 1U << 20U)) segments[path] = *std::move(contents);
  }
  return segments;
}

Run::Run(testing::Machine& machine, const Settings& settings, Model model, bool killed)
    : machine_(machine),
      settings_(settings),
      model_(std::move(model)),
      killed_(killed),
      format_(settings.format) {}

Run::~Run() {
  // What a writer does when it is destroyed is not what a killed one does.
  if (writer_) static_cast<void>(directory()->after_kill());
}

WalOptions Run::options() {
  WalOptions options;
  options.format = format_;
  options.segment_bytes = settings_.segment_bytes;
  options.buffer_bytes = settings_.buffer_bytes;
  options.preallocate_bytes = settings_.preallocate_bytes;
  options.recycle_segments = settings_.recycle_segments;
  options.segment_max_age = kMaxAge;
  options.flush = FlushPolicy::manual();
  options.observer = std::make_shared<Silent>();
  options.clock = clock_;
  options.random = std::make_shared<testing::SeededRandom>(model_.ever_appended());
  worker_ = std::make_shared<testing::ManualWorker>();
  options.worker = worker_;
  return options;
}

void Run::note(const Status& status, std::string_view what) {
  if (status) return;
  failed_ = true;
  if (by_the_cut(status.error())) {
    cut_ = true;
  } else if (!injected_ || !injected(status.error())) {
    if (violation_.empty()) violation_ = fmt::format("{} failed: {}", what, status.error());
  }
}

void Run::open() {
  const Segments before = settings_.older_versions ? segments_of(*directory()) : Segments();
  auto opened = walog::ByteWriter::open(directory(), options(), walog::OpenIntent::kOpenOrCreate);
  format_.reset();
  if (!opened) return judge_refusal(opened.error(), before);
  writer_ = *std::move(opened);
  failed_ = false;
  groups_.clear();
  const std::uint64_t next = writer_->next_entry_id().value();
  violation_ = model_.objection_to_next(next, killed_);
  if (!violation_.empty()) return;
  model_.settle(next);
  model_.acknowledge(next - 1);
  const Reading reading = read_log(directory(), ReadMode::kStrict);
  violation_ = model_.objection_to(reading, killed_);
  if (!violation_.empty()) violation_ = "after opening: " + violation_;
}

void Run::judge_refusal(const Error& error, const Segments& before) {
  refused_ = may_refuse(settings_, model_) && !injected(error);
  if (!refused_) return note(error, "opening");
  if (segments_of(*directory()) != before) {
    violation_ = fmt::format("a log was refused, and changed: {}", error);
  } else if (error.path().empty()) {
    violation_ = fmt::format("a refusal names no file: {}", error);
  }
}

void Run::play(std::string_view letters) {
  if (!writer_) open();
  for (const char letter : letters) {
    if (cut_ || refused_ || !violation_.empty()) return;
    if (!writer_) open();
    if (cut_ || refused_ || !violation_.empty()) return;
    // A poisoned writer does nothing more; but what had begun, on other threads, comes to its end.
    if (failed_ && std::string_view("hpPkM").find(letter) == std::string_view::npos) continue;
    step(letter);
    if (!writer_) continue;
    if (const auto durable = writer_->durable_id()) model_.acknowledge(durable->value());
    // What the background did shows in the next call; a cut in it is a cut now.
    if (machine_.dead()) cut_ = true;
  }
}

void Run::step(char letter) {
  switch (letter) {
    case 'a': return append(1, kSmall, false);
    case 'A': return append(1, kLarge, false);
    case 'b': return append(3, kSmall, true);
    case 'f': {
      const Status flushed = writer_->flush();
      if (flushed) model_.flushed();
      return note(flushed, "flush");
    }
    case 's': {
      const auto synced = writer_->flush_and_sync();
      if (!synced) return note(synced.error(), "flush_and_sync");
      model_.acknowledge(synced->value());
      model_.flushed();
      if (synced->value() != model_.last()) violation_ = "flush_and_sync did not cover everything";
      return;
    }
    case 'R': return rotate();
    case 'r': rotate(); [[fallthrough]];
    case 'p': worker_->run_one(); return;
    case 'P': return worker_->run_all();
    case 'g': {
      auto begun = writer_->begin_sync();
      if (!begun) return note(begun.error(), "begin_sync");
      groups_.push_back(*std::move(begun));
      return;
    }
    case 'h': return end_group();
    case 'T': return truncate();
    case 'c': return close();
    case 'v': return change_version();
    case 'k': return kill();
    case 'M': return maintain();
    case 'e':
    case 'E':
      injected_ = true;
      model_.cache_is_broken();
      if (letter == 'e') return directory()->fail_next_sync(settings_.sync_failure);
      return directory()->fail_next_directory_sync(settings_.sync_failure);
    default: violation_ = fmt::format("no such letter: {}", letter);
  }
}

void Run::append(std::size_t count, std::size_t bytes, bool atomic) {
  atomic = atomic && !settings_.older_versions;
  const std::uint64_t last = model_.last();
  const std::vector<Bytes> payloads = model_.append(count, bytes, atomic);
  const std::vector<ByteView> views(payloads.begin(), payloads.end());
  const auto appended = atomic ? writer_->append_batch_atomic(views) : writer_->append_batch(views);
  if (!appended) return note(appended.error(), "append");
  if (appended->value() != last + count) violation_ = fmt::format("append gave out id {}", *appended);
}

void Run::rotate() {
  clock_->advance(kMaxAge);
  append(1, kSmall, false);
}

void Run::end_group() {
  if (groups_.empty()) return;
  const walog::PendingSync group = groups_.front();
  groups_.erase(groups_.begin());
  const auto durable = writer_->finish_sync(group, writer_->run_sync(group));
  if (!durable) return failed_ ? void() : note(durable.error(), "finish_sync");
  model_.acknowledge(durable->value());
}

void Run::truncate() {
  const auto durable = writer_->durable_id();
  model_.truncate(durable->value());
  const auto truncated = writer_->truncate_prefix(*durable);
  if (!truncated) note(truncated.error(), "truncate_prefix");
}

void Run::close() {
  while (!groups_.empty()) end_group();  // nobody closes a log beside a sync of their own
  const Status closed = writer_->close();
  note(closed, "close");
  if (!closed) return;
  model_.acknowledge(model_.last());
  writer_.reset();
  killed_ = true;
  const Reading left = read_log(directory(), ReadMode::kStrict);
  if (left.error) {
    violation_ = fmt::format("after a clean close: {}", *left.error);
    return;
  }
  open();
}

void Run::change_version() {
  const auto newest = walog::list_segments(*directory());
  const auto header = directory()->read_file(walog::segment_path(newest->back()), 1U << 20U);
  const bool is_4 = header->size() < 5 || (*header)[4] == std::byte{0} || (*header)[4] == std::byte{4};
  format_ = is_4 ? WalFormat::kV3 : WalFormat::kV4;
  close();
}

void Run::kill() {
  machine_.kill();
  writer_.reset();
  killed_ = true;
  open();
}

void Run::maintain() {
  const auto durable = writer_->durable_id();
  if (const auto claimed = durable) model_.acknowledge(claimed->value());
  model_.truncate(durable->value());
  machine_.kill();
  writer_.reset();
  killed_ = true;
  const auto truncated = WalMaintenance(directory(), options()).truncate_prefix(*durable);
  if (!truncated) note(truncated.error(), "maintenance");
}

}  // namespace durability::crash
