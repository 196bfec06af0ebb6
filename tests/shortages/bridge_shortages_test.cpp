// Files on an event loop, and recovering there, every shortage in it: each operation completes once or is
// refused in the call, the loop comes to its end, and what was done is there.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "census.hpp"
#include "durability/async/async_reader.hpp"
#include "durability/async/blocking_bridge.hpp"
#include "event_loop.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

using boost::asio::awaitable;
using Words = std::vector<std::string>;

Bytes bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

enum class Answer : std::uint8_t { kNone, kRefused, kError, kDone };

/// A coroutine that asks for one operation. bad_alloc out of the call is a refusal, as a program takes it.
template <class Begin, class IsRight>
awaitable<void> ask_one(BlockingBridge& files, Begin begin, IsRight is_right, Answer& answer, bool& right) {
  try {
    const auto outcome = co_await begin(files);
    answer = outcome ? Answer::kDone : Answer::kError;
    if (outcome) right = is_right(outcome);
  } catch (const std::bad_alloc&) {
    answer = Answer::kRefused;
  }
}

/// Does everything once that can be done with files.
class FilesProgram {
 public:
  explicit FilesProgram(const Place& place) : place_(&place) {
    const auto directory = place.directory();
    for (const char* name :
         {"kept", "changed", "removed", "removed_d", "moved", "moved_d", "grown", "grown_d"}) {
      directory->write_durable(name, as_bytes("old")).value();
    }
  }

  void live() {
    auto directory = ask([&] { return place_->open(); });
    if (!directory) return;
    auto bridge = ask([&] { return BlockingBridge::make(*directory, {.threads = 2, .max_waiting = 64}); });
    if (!bridge) return;
    files_ = *std::move(bridge);
    using Files = BlockingBridge;
    const auto done = [](const Status&) { return true; };
    const auto old = [](const Result<Bytes>& read) { return as_text(*read) == "old"; };
    const auto part = [](const Result<Bytes>& read) { return as_text(*read) == "ld"; };
    written_ = once([](Files& files) { return files.write_file("a/new", bytes("new")); }, done);
    once([](Files& files) { return files.read_file("kept", 9); }, old);
    once([](Files& files) { return files.read_range("kept", 1, 9); }, part);
    grown_ = once([](Files& files) { return files.append("grown", bytes("new")); }, done);
    once([](Files& files) { return files.exists("kept"); }, [](const Result<bool>& there) { return *there; });
    removed_ = once([](Files& files) { return files.remove("removed"); }, done);
    moved_ = once([](Files& files) { return files.rename("moved", "b/moved"); }, done);
    changed_ = once([](Files& files) { return files.atomic_write("changed", bytes("new")); }, done);
    made_ = once([](Files& files) { return files.create_directories("c/d"); }, done);
    once([](Files& files) { return files.list(""); },
         [](const Result<Words>& names) { return std::ranges::count(*names, "kept") == 1; });
    written_d_ = once([](Files& files) { return files.write_durable("d/new", bytes("new")); }, done);
    grown_d_ = once([](Files& files) { return files.append_durable("grown_d", bytes("new")); }, done);
    removed_d_ = once([](Files& files) { return files.remove_durable("removed_d"); }, done);
    moved_d_ = once([](Files& files) { return files.rename_durable("moved_d", "e/moved"); }, done);
    once([](Files& files) { return files.sync_directory(""); }, done);
    files_.reset();
  }

  [[nodiscard]] std::string judge() const {
    if (!wrong_.empty()) return wrong_;
    const auto directory = place_->directory();
    const auto text = [&](std::string_view path) {
      const auto read = directory->read_file(path, 99);
      return read ? std::string(as_text(*read)) : std::string(code_name(read.error().code()));
    };
    const auto is = [&](Answer answer, std::string_view path, const Words& if_done, Words else_too) {
      const std::string found = text(path);
      if (std::ranges::count(if_done, found) > 0) return true;
      return answer != Answer::kDone && std::ranges::count(else_too, found) > 0;
    };
    const std::string none = "not_found";
    // What is replaced or moved in one step is there whole, whatever ran out.
    const auto moved = [&](Answer answer, std::string_view from, std::string_view to) {
      const bool at_new = text(to) == "old" && text(from) == none;
      return at_new || (answer != Answer::kDone && text(from) == "old" && text(to) == none);
    };
    if (text("kept") != "old") return "a file that nobody writes was changed";
    if (!is(written_, "a/new", {"new"}, {none, ""})) return "write_file: " + text("a/new");
    if (!is(grown_, "grown", {"oldnew"}, {"old"})) return "append: " + text("grown");
    if (!is(removed_, "removed", {none}, {"old"})) return "remove: " + text("removed");
    if (!moved(moved_, "moved", "b/moved")) return "rename: " + text("b/moved");
    if (!is(changed_, "changed", {"new"}, {"old"})) return "atomic_write: " + text("changed");
    if (made_ == Answer::kDone && !directory->exists("c/d").value()) return "create_directories";
    if (!is(written_d_, "d/new", {"new"}, {none})) return "write_durable: " + text("d/new");
    if (!is(grown_d_, "grown_d", {"oldnew"}, {"old"})) return "append_durable: " + text("grown_d");
    if (!is(removed_d_, "removed_d", {none}, {"old"})) return "remove_durable: " + text("removed_d");
    if (!moved(moved_d_, "moved_d", "e/moved")) return "rename_durable: " + text("e/moved");
    return "";
  }

 private:
  template <class Begin, class IsRight>
  Answer once(Begin begin, IsRight is_right) {
    Answer answer = Answer::kNone;
    bool right = true;
    try {
      const Exempt exempt;  // the coroutine is the program's own
      boost::asio::co_spawn(loop_, ask_one(*files_, begin, is_right, answer, right),
                            [](const std::exception_ptr& thrown) {
                              if (thrown) std::rethrow_exception(thrown);
                            });
    } catch (const std::bad_alloc&) {
      return Answer::kRefused;
    }
    run(loop_);
    if (answer == Answer::kNone) wrong_ = "an operation was never told";
    if (!right) wrong_ = "an operation yields something else";
    return answer;
  }

  const Place* place_;
  boost::asio::io_context loop_;
  std::shared_ptr<BlockingBridge> files_;
  std::string wrong_;
  Answer written_{}, grown_{}, removed_{}, moved_{}, changed_{}, made_{};
  Answer written_d_{}, grown_d_{}, removed_d_{}, moved_d_{};
};

TEST(BridgeShortages, InFilesOnAnEventLoop) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        FilesProgram program(place);
        in_shortage([&] { program.live(); });
        return program.judge();
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

/// Twice, as a program does that was told of a shortage.
void recover_on(boost::asio::io_context& loop, const Place& place, std::size_t& told, std::size_t& asked,
                std::string& wrong) {
  const auto directory = ask([&] { return place.open(); });
  if (!directory) return;
  const auto bridge =
      ask([&] { return BlockingBridge::make(*directory, {.threads = 2, .max_waiting = 64}); });
  if (!bridge) return;
  for (int tries = 0; tries < 2; ++tries) {
    try {
      async_recover_with_wal<Words, std::string>(
          loop.get_executor(), **bridge, Program::kCheckpoint, RecoveryOptions::strict(),
          [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
          [](Words& words, EntryId, const std::string& word) { words.push_back(word); },
          [&](const Result<Recovery<Words>>& recovered) {
            ++told;
            const Exempt exempt;
            if (recovered && recovered->state.size() != recovered->last_applied.value())
              wrong = "words are missing";
            if (recovered && recovered->last_applied != EntryId(21)) wrong = "ends elsewhere";
          });
      ++asked;
    } catch (const std::bad_alloc&) {  // was never begun
    }
    run(loop);
  }
}

TEST(BridgeShortages, InRecoveringOnAnEventLoop) {
  expect_to_bear(
      [](const InShortage& in_shortage) -> std::string {
        const Place place;
        Program program(place, small_segments());
        program.play("aaaaaaaaaaaapaaaaaaaac");
        boost::asio::io_context loop;  // the program's own
        std::size_t told = 0;
        std::size_t asked = 0;
        std::string wrong;
        in_shortage([&] { recover_on(loop, place, told, asked, wrong); });
        if (told != asked) return fmt::format("{} asked, {} told", asked, told);
        if (wrong.empty()) recover_on(loop, place, told, asked, wrong);
        return told < 2 ? "cannot be recovered in plenty" : wrong;
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
