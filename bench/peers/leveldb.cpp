// LevelDB: a key-value store with a log. Default options; replay is opening and iterating, with
// checksums verified.

#include <leveldb/db.h>

#include <memory>

#include "peer.hpp"

namespace {

std::unique_ptr<leveldb::DB> open_at(const bench::Job& job) {
  leveldb::Options options;
  options.create_if_missing = true;
  leveldb::DB* db = nullptr;
  const auto status = leveldb::DB::Open(options, job.directory + "/leveldb", &db);
  bench::must(status.ok(), status.ToString());
  return std::unique_ptr<leveldb::DB>(db);
}

class LevelDb {
 public:
  explicit LevelDb(const bench::Job& job) : db_(open_at(job)) { durable_.sync = true; }

  void append(std::string_view payload) { put({}, payload); }
  void finish() {}
  void append_durable(std::string_view payload) { put(durable_, payload); }

  static std::uint64_t replay(const bench::Job& job) {
    const auto db = open_at(job);
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    const std::unique_ptr<leveldb::Iterator> at(db->NewIterator(options));
    std::uint64_t entries = 0;
    for (at->SeekToFirst(); at->Valid(); at->Next())
      entries += bench::read_whole({at->value().data(), at->value().size()});
    bench::must(at->status().ok(), at->status().ToString());
    return entries;
  }

 private:
  void put(const leveldb::WriteOptions& options, std::string_view payload) {
    bench::Key key(++last_);
    const auto status = db_->Put(options, leveldb::Slice(key.data(), key.size()),
                                 leveldb::Slice(payload.data(), payload.size()));
    bench::must(status.ok(), status.ToString());
  }

  std::unique_ptr<leveldb::DB> db_;
  leveldb::WriteOptions durable_;
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace

int main(int argc, char** argv) { return bench::run<LevelDb>(argc, argv); }
