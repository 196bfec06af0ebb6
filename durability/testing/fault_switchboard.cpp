#include "durability/testing/fault_switchboard.hpp"

namespace durability::testing {
namespace {

bool matches(const Fault& fault, const OperationRecord& record) {
  if (fault.operation && *fault.operation != record.operation) return false;
  return record.path.find(fault.path) != std::string::npos ||
         record.target.find(fault.path) != std::string::npos;
}

}  // namespace

std::optional<Injection> FaultyDirectory::Switchboard::ask(Operation operation, std::string_view path,
                                                           std::string_view target) {
  OperationRecord record{operation, std::string(path), std::string(target)};
  std::shared_ptr<const Hook> hook;
  {
    const std::scoped_lock guard(mutex_);
    record.number = next_number_++;
    log_.push_back(record);
    if (auto injection = ask_planted(record)) return injection;
    hook = hook_;
  }
  return hook && *hook ? (*hook)(record) : std::nullopt;
}

std::optional<Injection> FaultyDirectory::Switchboard::ask_planted(const OperationRecord& record) {
  std::optional<Injection> injection;
  for (auto& [fault, seen] : planted_) {
    if (!matches(fault, record)) continue;
    const std::uint64_t before = seen++;
    const bool due = fault.repeat == Repeat::kOnce ? before == fault.after : before >= fault.after;
    if (due && !injection) injection = Injection{fault.os_error, fault.short_write};
  }
  return injection;
}

Status FaultyDirectory::Switchboard::check(Operation operation, std::string_view path,
                                           std::string_view target) {
  if (const auto injection = ask(operation, path, target)) return error(*injection, operation, path);
  return {};
}

Error FaultyDirectory::Switchboard::error(const Injection& injection, Operation operation,
                                          std::string_view path) {
  return Error::from_errno(injection.os_error, fmt::format("injected: {}", operation_name(operation)))
      .in_file(path);
}

void FaultyDirectory::Switchboard::fail(Fault fault) {
  const std::scoped_lock guard(mutex_);
  planted_.push_back({std::move(fault)});
}

void FaultyDirectory::Switchboard::set_hook(Hook hook) {
  auto shared = std::make_shared<const Hook>(std::move(hook));
  const std::scoped_lock guard(mutex_);
  hook_ = std::move(shared);
}

void FaultyDirectory::Switchboard::mend() {
  const std::scoped_lock guard(mutex_);
  planted_.clear();
  hook_.reset();
}

std::vector<OperationRecord> FaultyDirectory::Switchboard::log() const {
  const std::scoped_lock guard(mutex_);
  return log_;
}

void FaultyDirectory::Switchboard::clear_log() {
  const std::scoped_lock guard(mutex_);
  log_.clear();
}

}  // namespace durability::testing
