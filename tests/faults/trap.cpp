#include "trap.hpp"

#include <algorithm>
#include <cctype>

namespace durability::faults {

std::string Fault::to_string() const {
  const auto name = std::ranges::find(kErrnos, os_error, &NamedErrno::value)->name;
  constexpr std::array<std::string_view, 3> kLastingNames{"once", "that kind from then on",
                                                          "all from then on"};
  return fmt::format("operation {}, {}, {}", number, name,
                     kLastingNames.at(static_cast<std::size_t>(lasting)));
}

std::string site_of(const testing::OperationRecord& record) {
  std::string site;
  for (std::string part = record.to_string(); const char c : part) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!digit)
      site += c;
    else if (site.back() != '#')
      site += '#';
  }
  // The sixteen hexadecimal digits of a temporary are a number too.
  for (std::size_t end = site.find(".tmp"); end != std::string::npos; end = site.find(".tmp", end + 1)) {
    const std::size_t begin = site.rfind('.', end - 1) + 1;
    site.erase(begin, end - begin).insert(begin, 1, '#');
    end = begin + 1;
  }
  return site;
}

// A handle goes by the name under which its file was made.
testing::OperationRecord Trap::by_its_name_now(testing::OperationRecord record) {
  if (const auto renamed = names_now_.find(record.path); renamed != names_now_.end())
    record.path = renamed->second;
  const bool gets_its_name = record.operation == testing::Operation::kRename;
  if (gets_its_name && Directory::is_temporary_name(record.path)) names_now_[record.path] = record.target;
  return record;
}

bool Trap::springs(std::uint64_t number) const {
  if (!fault_ || number < fault_->number) return false;
  if (number == fault_->number || std::ranges::find(fault_->then, number) != fault_->then.end()) return true;
  if (fault_->lasting == Lasting::kThatKind)
    return seen_[number].operation == seen_[fault_->number].operation;
  return fault_->lasting == Lasting::kEverything;
}

std::optional<testing::Injection> Trap::step_on(const testing::OperationRecord& record) {
  const std::uint64_t number = seen_.size();
  seen_.push_back(by_its_name_now(record));
  if (!springs(number)) return std::nullopt;
  failed_.push_back(seen_.back());
  constexpr std::uint64_t kShortWrites = 40;  // so many bytes of a write arrive all the same, or fewer
  return testing::Injection{fault_->os_error, number % kShortWrites};
}

}  // namespace durability::faults
