#pragma once

// The log entries of an index that is made of segments, such as that of a search engine: immutable segments
// of documents come, are merged into new ones, and documents in them are deleted. The library's ready-made
// entry type; a program with other needs declares its own variant.
//
// As bytes (postcard, see codec/postcard.hpp) they are those of `WalEntry` in the Rust crate `durability`, so
// that either program reads what the other wrote:
//
//   byte 0   then
//   00       AddSegment       segment_id u64, doc_count u32
//   01       StartMerge       transaction_id u64, count, segment ids u64 …
//   02       CancelMerge      transaction_id u64, count, segment ids u64 …
//   03       EndMerge         transaction_id u64, new_segment_id u64, count, old ids u64 …,
//                             count, (segment_id u64, doc_id u32) …
//   04       DeleteDocuments  count, (segment_id u64, doc_id u32) …
//   05       Checkpoint       length, path; last_entry_id u64
//
// Every number, count and length is a varint. The order of the alternatives and of the fields is the format:
// new alternatives go to the end.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace durability {
namespace segment_index {

/// A document in a segment of the index. These segments are the index's own; they have nothing to do with the
/// files of the log.
struct Document {
  std::uint64_t segment_id = 0;
  std::uint32_t doc_id = 0;
  bool operator==(const Document&) const = default;
};

/// A new segment is visible, without deletes. One of the same id is replaced.
struct AddSegment {
  std::uint64_t segment_id = 0;
  std::uint32_t doc_count = 0;
  bool operator==(const AddSegment&) const = default;
};

/// A merge began. Changes nothing yet.
struct StartMerge {
  std::uint64_t transaction_id = 0;
  std::vector<std::uint64_t> segment_ids;  ///< that are being merged
  bool operator==(const StartMerge&) const = default;
};

/// A merge was given up. Changes nothing.
struct CancelMerge {
  std::uint64_t transaction_id = 0;
  std::vector<std::uint64_t> segment_ids;  ///< that were being merged
  bool operator==(const CancelMerge&) const = default;
};

/// A merge is done, with or without a StartMerge before it: the old segments go, the new one is there. Its
/// number of documents is not said here: it is 0, unknown.
struct EndMerge {
  std::uint64_t transaction_id = 0;
  std::uint64_t new_segment_id = 0;
  std::vector<std::uint64_t> old_segment_ids;
  /// Deletes that happened during the merge, as they are in the new segment. Those of other segments are
  /// ignored.
  std::vector<Document> remapped_deletes;
  bool operator==(const EndMerge&) const = default;
};

/// Documents are deleted. Those of segments that are not there are ignored; twice is once.
struct DeleteDocuments {
  std::vector<Document> deletes;
  bool operator==(const DeleteDocuments&) const = default;
};

/// A checkpoint was made durable. Changes nothing; publish_checkpoint() writes it.
struct Checkpoint {
  std::string checkpoint_path;
  std::uint64_t last_entry_id = 0;  ///< the last entry in the checkpoint
  bool operator==(const Checkpoint&) const = default;
};

}  // namespace segment_index

using WalEntry =
    std::variant<segment_index::AddSegment, segment_index::StartMerge, segment_index::CancelMerge,
                 segment_index::EndMerge, segment_index::DeleteDocuments, segment_index::Checkpoint>;

}  // namespace durability
