#include "durability/walog/repair/repair.hpp"

#include <ostream>

#include "durability/walog/format/segment_name.hpp"

namespace durability {
namespace {

std::string losses(const WalRepairPlan& plan) {
  if (!plan.first_lost) return "all entries of the log, and which they were is not known";
  if (!plan.last_lost_seen)
    return fmt::format("any entries from {} on; none is seen past the cut", *plan.first_lost);
  return fmt::format("entries {} to {}, the last that is seen past the cut; there may have been more",
                     *plan.first_lost, *plan.last_lost_seen);
}

std::string acknowledgement(const WalRepairPlan& plan) {
  if (plan.acknowledged)
    return fmt::format("yes, up to entry {} as far as what survives tells", *plan.acknowledged);
  return plan.format == WalFormat::kV4 ? "not as far as what survives tells"
                                       : "unknown: this version does not say";
}

std::string fate(const WalRepairFile& file) {
  if (!file.before) return fmt::format("made, {} bytes", *file.bytes_after);
  if (!file.bytes_after) return fmt::format("moved away, {} bytes", file.before->bytes);
  return fmt::format("copied, then replaced: {} bytes become {}", file.before->bytes, *file.bytes_after);
}

}  // namespace

std::string WalRepairPlan::to_string() const {
  std::string text =
      fmt::format("damage:       {} offset {}: {} ({})\n", walog::segment_path(damaged_segment),
                  damaged_offset, reason, code_name(code));
  text += fmt::format("cut:          {} offset {}; the log goes on with entry {}\n",
                      walog::segment_path(cut_segment), cut_offset, next);
  text += fmt::format("lost:         {}\n", losses(*this));
  text += fmt::format("acknowledged: {}\n", acknowledgement(*this));
  if (opens) text += "opens:        yes, as it is: the damage lies in a sealed segment\n";
  for (const SegmentRange& range : sound_after) {
    text += fmt::format("sound behind: {}: entries {} to {}\n", walog::segment_path(range.segment),
                        range.first, range.first.value() + range.entries - 1);
  }
  for (const WalUnreadable& hole : unreadable) {
    text += fmt::format("unreadable:   {} offset {}: {} bytes\n", walog::segment_path(hole.segment),
                        hole.offset, hole.bytes);
  }
  for (const WalRepairFile& file : files) {
    text += fmt::format("file:         {}: {}\n", walog::segment_path(file.segment), fate(file));
  }
  return text;
}

std::uint64_t WalRepairPlan::sound_entries_after() const noexcept {
  std::uint64_t entries = 0;
  for (const SegmentRange& range : sound_after) entries += range.entries;
  return entries;
}

std::ostream& operator<<(std::ostream& out, const WalRepairPlan& plan) { return out << plan.to_string(); }

}  // namespace durability
