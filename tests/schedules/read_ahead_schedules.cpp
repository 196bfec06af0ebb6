// Reading ahead under every schedule: the reader, the thread that reads ahead, and a file's bytes.

#include "durability/storage/read_ahead.hpp"
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
