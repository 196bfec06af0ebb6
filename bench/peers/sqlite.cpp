// SQLite with a write-ahead log: one table, one connection under a mutex. A durable append is a transaction
// with synchronous=FULL; where nothing is synced, transactions hold many entries. It has checksums in its
// log, not in the table that replay reads.

#include <sqlite3.h>

#include <mutex>

#include "peer.hpp"

namespace {

class Sqlite {
 public:
  explicit Sqlite(const bench::Job& job) {
    check(sqlite3_open((job.directory + "/log.sqlite").c_str(), &db_));
    execute("PRAGMA journal_mode=WAL");
    execute(job.work == "durable" ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    execute("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, payload BLOB)");
    insert_ = prepare("INSERT INTO log (payload) VALUES (?)");
  }
  ~Sqlite() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void append(std::string_view payload) {
    if (in_batch_ == 0) execute("BEGIN");
    insert(payload);
    if (++in_batch_ == bench::kBatch) finish();
  }
  void finish() {
    if (in_batch_ > 0) execute("COMMIT");
    in_batch_ = 0;
  }
  void append_durable(std::string_view payload) {
    const std::lock_guard lock(mutex_);
    insert(payload);
  }

  static std::uint64_t replay(const bench::Job& job) {
    Sqlite log(job);
    sqlite3_stmt* const all = log.prepare("SELECT payload FROM log ORDER BY id");
    std::uint64_t entries = 0;
    while (sqlite3_step(all) == SQLITE_ROW) {
      const auto* const payload = static_cast<const char*>(sqlite3_column_blob(all, 0));
      entries += bench::read_whole({payload, static_cast<std::size_t>(sqlite3_column_bytes(all, 0))});
    }
    sqlite3_finalize(all);
    return entries;
  }

 private:
  void check(int result) { bench::must(result == SQLITE_OK, sqlite3_errmsg(db_)); }
  void execute(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr));
    return statement;
  }
  void insert(std::string_view payload) {
    check(sqlite3_bind_blob64(insert_, 1, payload.data(), payload.size(), nullptr));  // lives until the step
    bench::must(sqlite3_step(insert_) == SQLITE_DONE, sqlite3_errmsg(db_));
    check(sqlite3_reset(insert_));
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::mutex mutex_;
  std::uint64_t in_batch_ = 0;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Sqlite>(argc, argv); }
