// Reading ahead under every schedule: the reader, the thread that reads ahead, and a file's bytes.

#include "durability/storage/read_ahead.hpp"

#include <new>
#include <utility>

#include "life.hpp"

namespace durability::schedules {
namespace {

constexpr std::size_t kChunk = 8;

/// A file of `chunks` chunks that are full of that letter.
std::shared_ptr<File> file_of(Directory& directory, const std::string& name, std::size_t chunks,
                              char letter) {
  std::shared_ptr<File> file = directory.create(name).value();
  const std::string text(chunks * kChunk, letter);
  require_ok(file->write_at(0, as_bytes(text)), "write");
  return file;
}

void require_chunks(ReadAhead& ahead, std::size_t chunks, char letter) {
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto chunk = ahead.next({});
    require_ok(chunk, "next");
    require(std::string(as_text(*chunk)) == std::string(kChunk, letter), "a chunk of another file");
  }
}

TEST(ReadAheadSchedules, YieldsTheChunksInOrder) {
  explore("read ahead", 3, [] {
    const auto directory = StepDirectory::make();
    const std::shared_ptr<File> file = directory->create("file").value();
    std::string text;
    for (int i = 0; i < 6; ++i) text += std::string(kChunk, static_cast<char>('a' + i));
    require_ok(file->write_at(0, as_bytes(text)), "write");
    ReadAhead ahead(kChunk);
    ahead.start(file, 0, text.size());
    std::string seen;
    while (seen.size() < text.size()) {
      const auto chunk = ahead.next({});
      require_ok(chunk, "next");
      seen += as_text(*chunk);
    }
    require(seen == text, "the chunks are not those of the file");
  });
}

// The thread may still be reading a chunk of the old file: its place in memory is the new file's only when it
// has returned. A test that held the thread at that point depended on the moment.
TEST(ReadAheadSchedules, BeginsAnewWhileTheThreadReadsTheOldFile) {
  explore("read another file", 3, [] {
    const auto directory = StepDirectory::make();
    ReadAhead ahead(kChunk);
    ahead.start(file_of(*directory, "old", 3, 'o'), 0, 3 * kChunk);
    require_chunks(ahead, 1, 'o');
    ahead.start(file_of(*directory, "new", 3, 'n'), 0, 3 * kChunk);
    require_chunks(ahead, 3, 'n');
  });
}

// Nothing is wrong with what is read where the thread is never woken again: it is only slow, and nobody sees
// it.
TEST(ReadAheadSchedules, TheThreadGoesOnWhileNobodyAsks) {
  explore("read while nobody asks", 2, [] {
    const auto directory = StepDirectory::make();
    Atomic<std::uint64_t> reads{0};
    directory->on_step([&](std::string_view what) { reads.fetch_add(what == "read" ? 1 : 0); });
    const auto wait_for_reads = [&](std::uint64_t count) {
      while (reads < count) yield();
    };
    ReadAhead ahead(kChunk);
    ahead.start(file_of(*directory, "old", 8, 'o'), 0, 8 * kChunk);
    wait_for_reads(3);
    require_chunks(ahead, 2, 'o');
    wait_for_reads(4);  // half of its places at least
    const std::uint64_t before = reads;
    ahead.start(file_of(*directory, "new", 3, 'n'), 0, 3 * kChunk);
    wait_for_reads(before + 3);
  });
}

TEST(ReadAheadSchedules, WhatTheThreadHasNoMemoryForIsReadAgain) {
  explore("a read without memory", 3, [] {
    const auto directory = StepDirectory::make();
    const auto file = file_of(*directory, "file", 3, 'f');
    bool thrown = false;
    directory->on_step([&](std::string_view what) {
      if (what == "read" && !std::exchange(thrown, true)) throw std::bad_alloc();
    });
    ReadAhead ahead(kChunk);
    ahead.start(file, 0, 3 * kChunk);
    try {
      require_chunks(ahead, 3, 'f');
    } catch (const std::bad_alloc&) {
      require(thrown, "a bad_alloc of something else");
    }
  });
}

TEST(ReadAheadSchedules, EndsWhileTheThreadReads) {
  explore("end while reading", 3, [] {
    const auto directory = StepDirectory::make();
    ReadAhead ahead(kChunk);
    ahead.start(file_of(*directory, "file", 6, 'f'), 0, 6 * kChunk);
    require_chunks(ahead, 2, 'f');
  });
}

}  // namespace
}  // namespace durability::schedules
