#include "durability/segment_index/state.hpp"

#include <utility>

namespace durability::segment_index {
namespace {

struct Apply {
  IndexSegments& segments;

  void operator()(const AddSegment& added) const {
    segments.insert_or_assign(added.segment_id,
                              IndexSegment{.doc_count = added.doc_count, .deleted_docs = {}});
  }

  void operator()(const DeleteDocuments& deleted) const {
    for (const Document& document : deleted.deletes) {
      const auto segment = segments.find(document.segment_id);
      if (segment != segments.end()) segment->second.deleted_docs.insert(document.doc_id);
    }
  }

  void operator()(const EndMerge& merge) const {
    for (const std::uint64_t old : merge.old_segment_ids) segments.erase(old);
    IndexSegment merged;
    for (const Document& document : merge.remapped_deletes) {
      if (document.segment_id == merge.new_segment_id) merged.deleted_docs.insert(document.doc_id);
    }
    segments.insert_or_assign(merge.new_segment_id, std::move(merged));
  }

  // They say what is going on, and change nothing.
  void operator()(const StartMerge&) const {}
  void operator()(const CancelMerge&) const {}
  void operator()(const Checkpoint&) const {}
};

}  // namespace

void apply(IndexSegments& segments, const WalEntry& entry) { std::visit(Apply{segments}, entry); }

}  // namespace durability::segment_index
