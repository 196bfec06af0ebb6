#include "wal_entry_json.hpp"

namespace durability::cli {
namespace {

Json json_of(const std::vector<segment_index::Document>& documents) {
  Json list = Json::array();
  for (const auto& document : documents) {
    list.push_back(Json{{"segment_id", document.segment_id}, {"doc_id", document.doc_id}});
  }
  return list;
}

struct ToJson {
  Json operator()(const segment_index::AddSegment& entry) const {
    return {{"type", "AddSegment"}, {"segment_id", entry.segment_id}, {"doc_count", entry.doc_count}};
  }
  Json operator()(const segment_index::StartMerge& entry) const {
    return {
        {"type", "StartMerge"}, {"transaction_id", entry.transaction_id}, {"segment_ids", entry.segment_ids}};
  }
  Json operator()(const segment_index::CancelMerge& entry) const {
    return {{"type", "CancelMerge"},
            {"transaction_id", entry.transaction_id},
            {"segment_ids", entry.segment_ids}};
  }
  Json operator()(const segment_index::EndMerge& entry) const {
    return {{"type", "EndMerge"},
            {"transaction_id", entry.transaction_id},
            {"new_segment_id", entry.new_segment_id},
            {"old_segment_ids", entry.old_segment_ids},
            {"remapped_deletes", json_of(entry.remapped_deletes)}};
  }
  Json operator()(const segment_index::DeleteDocuments& entry) const {
    return {{"type", "DeleteDocuments"}, {"deletes", json_of(entry.deletes)}};
  }
  Json operator()(const segment_index::Checkpoint& entry) const {
    return {{"type", "Checkpoint"},
            {"checkpoint_path", entry.checkpoint_path},
            {"last_entry_id", entry.last_entry_id}};
  }
};

}  // namespace

Json json_of(const WalEntry& entry) { return std::visit(ToJson{}, entry); }

}  // namespace durability::cli
