#include "durability/recover/record_log.hpp"

namespace durability::recover {

Status check_record_log_is_there(const std::shared_ptr<Directory>& directory, const std::string& path,
                                 const Error& checkpoint_error) {
  const auto format = recordlog::ByteReader(directory, path).format();
  if (format && *format) return {};
  Error error = checkpoint_error;
  return error.advise(fmt::format("nothing was changed, and the log cannot stand in for it ({})",
                                  format ? "there is none" : format.error().to_string()));
}

}  // namespace durability::recover
