// segment_lifecycle DIR: the segments of a search index, through all that can happen to them. A child process
// adds segments, deletes documents, merges, publishes a checkpoint, goes on, and is killed in the middle of
// its work; then the index is recovered. Run it again, and it goes on from there.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <durability/durability.hpp>
#include <iostream>

namespace d = durability;
using d::segment_index::AddSegment;
using d::segment_index::DeleteDocuments;
using d::segment_index::EndMerge;
using d::segment_index::StartMerge;

namespace {

[[noreturn]] void live_and_be_killed(const std::shared_ptr<d::Directory>& directory) {
  auto wal = d::WalWriter<d::WalEntry>::open(directory).value();  // takes the lock: now nobody else writes
  d::IndexSegments index = d::RecoveryManager(directory).recover_latest_best_effort().value().segments;
  const auto change = [&](const d::WalEntry& entry) {
    static_cast<void>(wal.append(entry).value());
    d::segment_index::apply(index, entry);
  };

  change(AddSegment{.segment_id = 1, .doc_count = 5});
  change(AddSegment{.segment_id = 2, .doc_count = 7});
  change(DeleteDocuments{.deletes = {{.segment_id = 1, .doc_id = 4}}});

  // Segments 1 and 2 become segment 3. A document that is deleted meanwhile has another number there.
  change(StartMerge{.transaction_id = 1, .segment_ids = {1, 2}});
  change(DeleteDocuments{.deletes = {{.segment_id = 2, .doc_id = 3}}});
  change(EndMerge{.transaction_id = 1,
                  .new_segment_id = 3,
                  .old_segment_ids = {1, 2},
                  .remapped_deletes = {{.segment_id = 3, .doc_id = 7}}});

  // A checkpoint of all that is durable, a marker in the log that names it, and the log before it deleted.
  const d::DurableId upto = wal.flush_and_sync().value();
  const std::string path = fmt::format("checkpoints/{}.ckpt", upto);
  const auto published = d::publish_checkpoint(directory, wal, {.segments = index}, upto, path).value();
  std::cout << "published " << published.checkpoint << '\n';

  change(AddSegment{.segment_id = 4, .doc_count = 9});
  change(DeleteDocuments{.deletes = {{.segment_id = 4, .doc_id = 8}, {.segment_id = 3, .doc_id = 0}}});
  std::cout << "durable up to entry " << wal.flush_and_sync().value() << '\n' << std::flush;

  change(AddSegment{.segment_id = 5, .doc_count = 1});  // nobody was told that this one is durable
  std::raise(SIGKILL);
  std::abort();
}

void run(const char* path) {
  const auto directory = d::FsDirectory::open(path).value();
  const pid_t child = ::fork();
  if (child == 0) live_and_be_killed(directory);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) throw std::runtime_error("no child process");
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) throw std::runtime_error("it was not killed");

  const auto recovered = d::RecoveryManager(directory).recover_latest_best_effort().value();
  std::cout << "recovered from " << recovered.checkpoint.value_or("the log alone") << " up to entry "
            << recovered.last_entry_id << '\n';
  for (const auto& [id, segment] : recovered.segments) {
    std::cout << "segment " << id << ": " << segment.doc_count << " documents, "  // 0: made by a merge
              << segment.deleted_docs.size() << " deleted\n";
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: segment_lifecycle DIR\n";
    return 2;
  }
  run(argv[1]);
  return std::cout.flush() ? 0 : 1;
} catch (const std::exception& error) {  // value() throws where a call returned an error
  std::cerr << "segment_lifecycle: " << error.what() << '\n';
  return 1;
}
