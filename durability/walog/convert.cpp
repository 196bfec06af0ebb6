#include "durability/walog/convert.hpp"

#include <optional>
#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability {
namespace {

/// Two logs have files of the same names: say which one is meant, where the directory can.
Error in(const Directory& directory, Error error) {
  if (error.path().empty()) return error;
  const auto place = directory.file_path(error.path());
  return place ? error.in_file(*place) : error;
}

Status copy_entries(const walog::ByteReader& reader, ReadMode mode, const walog::EntryRange& range,
                    const Directory& from, const Directory& to, walog::ByteWriter& writer) {
  std::optional<Error> refused;
  const auto report = reader.for_each(mode, range, [&](const WalEntryView& entry) -> Result<Flow> {
    const auto appended = writer.append(entry.payload);
    if (appended) return Flow::kContinue;
    refused = appended.error();
    return Flow::kStop;
  });
  if (refused) return in(to, *std::move(refused));
  if (!report) return in(from, report.error());
  if (auto closed = writer.close(); !closed) return in(to, std::move(closed).error());
  return {};
}

}  // namespace

Result<WalConversion> convert_log(const std::shared_ptr<Directory>& from,
                                  const std::shared_ptr<Directory>& to, WalOptions options, ReadMode mode) {
  const walog::ByteReader reader(from);
  const auto checked =
      reader.for_each(mode, {}, [](const WalEntryView&) { return Result<Flow>(Flow::kContinue); });
  if (!checked) return in(*from, checked.error());
  options.first_entry_id = checked->first;
  auto writer = walog::ByteWriter::open(to, std::move(options), walog::OpenIntent::kCreate);
  if (!writer) return in(*to, std::move(writer).error());
  const EntryId last(checked->next.value() - 1);
  if (last >= checked->first) {
    DURABILITY_TRY(copy_entries(reader, mode, {.from = checked->first, .up_to = last}, *from, *to, **writer));
  } else if (auto closed = (*writer)->close(); !closed) {
    return in(*to, std::move(closed).error());
  }
  return WalConversion{.first = checked->first,
                       .entries = (*writer)->next_entry_id().value() - checked->first.value(),
                       .next = (*writer)->next_entry_id(),
                       .torn_tail = checked->torn_tail};
}

}  // namespace durability
