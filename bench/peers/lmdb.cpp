// LMDB: a copy-on-write tree in a memory map, without a log and without checksums. A durable append is a
// transaction; where nothing is synced, transactions hold many entries.

#include <lmdb.h>

#include <mutex>

#include "peer.hpp"

namespace {

constexpr std::size_t kMapBytes = std::size_t{16} << 30U;

class Lmdb {
 public:
  explicit Lmdb(const bench::Job& job) {
    const unsigned flags = MDB_NOSUBDIR | (job.work == "durable" ? 0U : MDB_NOSYNC);
    check(mdb_env_create(&environment_));
    check(mdb_env_set_mapsize(environment_, kMapBytes));
    check(mdb_env_open(environment_, (job.directory + "/log.mdb").c_str(), flags, 0600));
    begin();
    check(mdb_dbi_open(transaction_, nullptr, 0, &table_));
    finish();
  }
  ~Lmdb() { mdb_env_close(environment_); }
  Lmdb(const Lmdb&) = delete;
  Lmdb& operator=(const Lmdb&) = delete;

  void append(std::string_view payload) {
    if (transaction_ == nullptr) begin();
    put(payload);
    if (last_ % bench::kBatch == 0) finish();
  }
  void finish() {
    if (transaction_ != nullptr) check(mdb_txn_commit(transaction_));
    transaction_ = nullptr;
  }
  void append_durable(std::string_view payload) {
    const std::lock_guard lock(mutex_);
    begin();
    put(payload);
    finish();
  }

  static std::uint64_t replay(const bench::Job& job) {
    Lmdb log(job);
    check(mdb_txn_begin(log.environment_, nullptr, MDB_RDONLY, &log.transaction_));
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(log.transaction_, log.table_, &cursor));
    MDB_val key{};
    MDB_val value{};
    std::uint64_t entries = 0;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
      entries += bench::read_whole({static_cast<const char*>(value.mv_data), value.mv_size});
    mdb_cursor_close(cursor);
    mdb_txn_abort(log.transaction_);
    return entries;
  }

 private:
  static void check(int result) { bench::must(result == 0, mdb_strerror(result)); }
  void begin() { check(mdb_txn_begin(environment_, nullptr, 0, &transaction_)); }
  void put(std::string_view payload) {
    bench::Key number(++last_);
    MDB_val key{.mv_size = number.size(), .mv_data = number.data()};
    MDB_val value{.mv_size = payload.size(), .mv_data = const_cast<char*>(payload.data())};
    check(mdb_put(transaction_, table_, &key, &value, MDB_APPEND));
  }

  MDB_env* environment_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  MDB_dbi table_ = 0;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Lmdb>(argc, argv); }
