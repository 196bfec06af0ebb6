// Entries of a segment index, random ones, and in words.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "index_history.hpp"

namespace durability::interop {
namespace {

using segment_index::AddSegment;
using segment_index::CancelMerge;
using segment_index::DeleteDocuments;
using segment_index::Document;
using segment_index::EndMerge;
using segment_index::StartMerge;
using testing::SeededRandom;

std::string joined(const std::vector<std::uint64_t>& ids) { return fmt::format("{}", fmt::join(ids, "+")); }

std::string joined(const std::vector<Document>& documents) {
  std::string text;
  for (const auto& [segment, doc] : documents)
    text += fmt::format("{}{}:{}", text.empty() ? "" : "+", segment, doc);
  return text;
}

struct Spell {
  std::string operator()(const AddSegment& e) const {
    return fmt::format("add.{}.{}", e.segment_id, e.doc_count);
  }
  std::string operator()(const StartMerge& e) const {
    return fmt::format("start.{}.{}", e.transaction_id, joined(e.segment_ids));
  }
  std::string operator()(const CancelMerge& e) const {
    return fmt::format("cancel.{}.{}", e.transaction_id, joined(e.segment_ids));
  }
  std::string operator()(const EndMerge& e) const {
    return fmt::format("end.{}.{}.{}.{}", e.transaction_id, e.new_segment_id, joined(e.old_segment_ids),
                       joined(e.remapped_deletes));
  }
  std::string operator()(const DeleteDocuments& e) const { return fmt::format("del.{}", joined(e.deletes)); }
  std::string operator()(const segment_index::Checkpoint& e) const {
    return fmt::format("mark.{}.{}", e.last_entry_id, e.checkpoint_path);
  }
};

// Few segments, so that entries meet; now and then a number of any length.
std::uint64_t random_id(SeededRandom& random) {
  return random.one_in(10) ? random.next_u64() >> random.below(64) : 1 + random.below(8);
}

std::uint32_t random_doc(SeededRandom& random) {
  return static_cast<std::uint32_t>(random.one_in(10) ? random.next_u64() >> random.below(64)
                                                      : random.below(20));
}

std::vector<std::uint64_t> random_ids(SeededRandom& random) {
  std::vector<std::uint64_t> ids(random.below(5));
  for (auto& id : ids) id = random_id(random);
  return ids;
}

std::vector<Document> random_documents(SeededRandom& random) {
  std::vector<Document> documents(random.below(6));
  for (auto& document : documents) document = {.segment_id = random_id(random), .doc_id = random_doc(random)};
  return documents;
}

}  // namespace

std::string spelled(const WalEntry& entry) { return std::visit(Spell{}, entry); }

WalEntry random_entry(SeededRandom& random) {
  switch (random.below(9)) {
    case 0: return StartMerge{.transaction_id = random_id(random), .segment_ids = random_ids(random)};
    case 1: return CancelMerge{.transaction_id = random_id(random), .segment_ids = random_ids(random)};
    case 2:
      return EndMerge{.transaction_id = random_id(random),
                      .new_segment_id = random_id(random),
                      .old_segment_ids = random_ids(random),
                      .remapped_deletes = random_documents(random)};
    case 3:
    case 4:
    case 5: return DeleteDocuments{.deletes = random_documents(random)};
    default: return AddSegment{.segment_id = random_id(random), .doc_count = random_doc(random)};
  }
}

}  // namespace durability::interop
