#include "durability/base/ids.hpp"

#include <ostream>

namespace durability {

std::ostream& operator<<(std::ostream& out, EntryId id) { return out << id.value(); }
std::ostream& operator<<(std::ostream& out, SegmentId id) { return out << id.value(); }
std::ostream& operator<<(std::ostream& out, DurableId id) { return out << id.value(); }

}  // namespace durability
