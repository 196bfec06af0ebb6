#include "durability/walog/repair.hpp"

#include "durability/walog/segment_name.hpp"

namespace durability {
namespace {

std::string losses(const WalRepairPlan& plan) {
  if (!plan.first_lost) return "all entries of the log, and which they were is not known";
  if (!plan.last_lost_seen)
    return fmt::format("any entries from {} on; none is seen behind the cut", *plan.first_lost);
  return fmt::format("entries {} to {}, the last that is seen behind the cut; there may have been more",
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
  for (const WalRepairFile& file : files) {
    text += fmt::format("file:         {}: {}\n", walog::segment_path(file.segment), fate(file));
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const WalRepairPlan& plan) { return out << plan.to_string(); }

}  // namespace durability
