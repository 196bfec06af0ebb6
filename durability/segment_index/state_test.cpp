#include "durability/segment_index/state.hpp"

#include <gtest/gtest.h>

#include "durability/codec/postcard.hpp"

namespace durability::segment_index {
namespace {

IndexSegments after(const std::vector<WalEntry>& entries) {
  IndexSegments segments;
  for (const WalEntry& entry : entries) apply(segments, entry);
  return segments;
}

Bytes bytes_of(const IndexSegments& segments) {
  Bytes bytes;
  EXPECT_TRUE(Postcard::encode(CheckpointState{.segments = segments}, bytes));
  return bytes;
}

TEST(IndexState, ASegmentThatIsAddedHasNoDeletes) {
  const IndexSegments expected = {{3, {.doc_count = 30, .deleted_docs = {}}}};
  EXPECT_EQ(after({AddSegment{3, 30}}), expected);
}

TEST(IndexState, AddingASegmentAgainReplacesItAndItsDeletes) {
  const IndexSegments expected = {{3, {.doc_count = 31, .deleted_docs = {}}}};
  EXPECT_EQ(after({AddSegment{3, 30}, DeleteDocuments{{{3, 1}}}, AddSegment{3, 31}}), expected);
}

TEST(IndexState, ADeleteCountsOnceAndOnlyWhereItsSegmentIs) {
  const IndexSegments expected = {{3, {.doc_count = 30, .deleted_docs = {1, 29, 77}}}};
  EXPECT_EQ(after({DeleteDocuments{{{3, 5}}}, AddSegment{3, 30}, DeleteDocuments{{{3, 29}, {4, 1}, {3, 1}}},
                   DeleteDocuments{{{3, 1}, {3, 77}}}}),
            expected);
}

// C7: a merge takes the old segments' deletes away with them, and brings those that were remapped.
TEST(IndexState, AMergeKeepsOnlyTheDeletesThatWereRemappedToTheNewSegment) {
  const IndexSegments expected = {{3, {.doc_count = 0, .deleted_docs = {4, 8}}},
                                  {9, {.doc_count = 90, .deleted_docs = {2}}}};
  EXPECT_EQ(after({AddSegment{1, 10}, AddSegment{2, 20}, AddSegment{9, 90}, DeleteDocuments{{{1, 7}, {9, 2}}},
                   StartMerge{7, {1, 2}}, DeleteDocuments{{{2, 6}}},
                   EndMerge{7, 3, {1, 2}, {{3, 8}, {2, 99}, {3, 4}, {9, 5}}}, DeleteDocuments{{{1, 5}}}}),
            expected);
}

TEST(IndexState, AMergeReplacesASegmentOfTheNewIdAndMindsNoMissingOldOne) {
  const IndexSegments expected = {{3, {.doc_count = 0, .deleted_docs = {1}}}};
  EXPECT_EQ(after({AddSegment{3, 30}, DeleteDocuments{{{3, 9}}}, EndMerge{7, 3, {1, 2}, {{3, 1}}}}),
            expected);
  EXPECT_EQ(after({AddSegment{3, 30}, EndMerge{7, 3, {3}, {{3, 1}}}}), expected);
}

TEST(IndexState, BeginningAndGivingUpAMergeAndCheckpointsChangeNothing) {
  const std::vector<WalEntry> before = {AddSegment{1, 10}, DeleteDocuments{{{1, 7}}}};
  std::vector<WalEntry> with = before;
  with.insert(with.end(), {StartMerge{7, {1}}, CancelMerge{7, {1}}, Checkpoint{"c", 1}});
  EXPECT_EQ(after(with), after(before));
}

TEST(IndexState, ApplyingTheSameEntriesTwiceGivesTheSame) {
  const std::vector<WalEntry> once = {AddSegment{1, 10}, AddSegment{2, 20}, DeleteDocuments{{{1, 7}}},
                                      EndMerge{7, 3, {1}, {{3, 1}}}, DeleteDocuments{{{2, 6}, {3, 2}}}};
  std::vector<WalEntry> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(after(twice), after(once));
}

TEST(IndexState, TheSameStateHasTheSameBytesHoweverItCameAbout) {
  const auto one = after({AddSegment{9, 1}, AddSegment{7, 1}, DeleteDocuments{{{7, 3}, {7, 1}, {7, 2}}}});
  const auto other = after({AddSegment{7, 1}, DeleteDocuments{{{7, 2}, {7, 3}}}, AddSegment{9, 1},
                            DeleteDocuments{{{7, 1}, {7, 1}}}});
  EXPECT_EQ(bytes_of(one), bytes_of(other));
  EXPECT_EQ(bytes_of(one), (Bytes{std::byte{2}, std::byte{7}, std::byte{1}, std::byte{3}, std::byte{1},
                                  std::byte{2}, std::byte{3}, std::byte{9}, std::byte{1}, std::byte{0}}));
}

}  // namespace
}  // namespace durability::segment_index
