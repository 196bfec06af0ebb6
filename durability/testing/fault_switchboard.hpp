#pragma once

// What decides for a FaultyDirectory and its handles, and keeps their log.

#include <mutex>
#include <utility>
#include <vector>

#include "durability/testing/faulty_directory.hpp"

namespace durability::testing {

class FaultyDirectory::Switchboard {
 public:
  /// Writes the operation down; what is returned makes it fail.
  [[nodiscard]] std::optional<Injection> ask(Operation operation, std::string_view path,
                                             std::string_view target = {});
  /// ask(), as the error to return.
  [[nodiscard]] Status check(Operation operation, std::string_view path, std::string_view target = {});
  [[nodiscard]] static Error error(const Injection& injection, Operation operation, std::string_view path);

  void fail(Fault fault);
  void set_hook(Hook hook);
  void mend();
  [[nodiscard]] std::vector<OperationRecord> log() const;
  void clear_log();

 private:
  struct Planted {
    Fault fault;
    std::uint64_t seen = 0;
  };
  [[nodiscard]] std::optional<Injection> ask_planted(const OperationRecord& record);

  mutable std::mutex mutex_;
  std::vector<Planted> planted_;
  std::shared_ptr<const Hook> hook_;
  std::vector<OperationRecord> log_;
  std::uint64_t next_number_ = 0;
};

[[nodiscard]] std::unique_ptr<File> make_faulty_file(
    std::unique_ptr<File> inner, std::shared_ptr<FaultyDirectory::Switchboard> switchboard,
    std::string_view path);

}  // namespace durability::testing
