#pragma once

// The fault model: what a disk may hold after the power was cut.
//
// A file system keeps what a program writes in memory and brings it to the disk when it likes, in
// parts, in an order of its own. Only a sync that has returned settles anything. Three things live
// apart, and are lost apart: the bytes of a file, its size, and the names that lead to it.
//
// What holds in every profile:
//   - What was synced stays: bytes and size after File::sync_data, names after sync_directory of the
//     directory in which they stand.
//   - A power cut changes no byte that an unsynced write did not cover, not even in the same sector.
//   - Bytes that a truncation cut off are there again, unchanged, if the truncation is lost; what was
//     written after it is lost with it.
//   - A sync that did not return (the power was cut while it ran, or it failed) settles nothing: any
//     part of what it covers may have reached the disk, all and none included.
//   - Operations on the same name persist in their order. A rename within a directory happens in one
//     step: the old name or the new one, never neither, never both. A rename of a file from one
//     directory to another is two steps where names persist one by one, the new name first: so both
//     names may be there, never neither. A directory is moved in one step always.
//
// Bytes are lost by the sector (CrashOptions::sector_bytes). A sector that was written several times
// since the last sync may hold any of those states.
//
//   kill       The process dies, the machine lives on: CrashDirectory::after_kill(), no profile.
//              Everything that was applied is visible, and is no more durable than before.
//   ordered    A journal of metadata with data written first (ext4 data=ordered, xfs, btrfs). Name
//              operations of the whole tree persist as a prefix, in order; the sync of a file or a
//              directory brings along all name operations up to the last one that concerns it. Sizes
//              follow their data, and lag behind the names: a file may have any size it had since its
//              last sync, those at sector boundaries inside a write included, and up to that size what
//              was appended is there. Sectors overwritten in place are old or new, each by itself.
//   writeback  Names as above. Sizes know nothing of data: the size is any that a finished write or
//              truncation left since the last sync, and each unsynced sector is, by itself, new, old,
//              or zero where unsynced writes covered it.
//   weak       What POSIX promises. Data and sizes as in writeback. Each unsynced name operation
//              persists or not by itself (but see above: those on one name in order), and the sync of
//              a file says nothing about its name.
//   hostile    As weak, and an unsynced sector may also hold garbage, the bytes of an earlier life of
//              its blocks (of a deleted or truncated file, or of what an earlier power cut lost), or
//              be torn within: new up to some byte, old from there on.

#include <string_view>

namespace durability::testing {

/// What a power cut may do; one of the four below, or a mixture of one's own.
struct CrashProfile {
  enum class Names {
    kJournal,  ///< a prefix, in order, over the whole tree
    kAnySubset,
  };
  enum class Data {
    kBeforeSize,   ///< no size without the bytes below it
    kAnySectors,   ///< each unsynced sector old, new or zero; sizes apart
    kAnyContents,  ///< garbage, stale and torn sectors too
  };

  std::string_view name;
  Names names = Names::kJournal;
  Data data = Data::kBeforeSize;

  [[nodiscard]] static constexpr CrashProfile ordered() noexcept {
    return {"ordered", Names::kJournal, Data::kBeforeSize};
  }
  [[nodiscard]] static constexpr CrashProfile writeback() noexcept {
    return {"writeback", Names::kJournal, Data::kAnySectors};
  }
  [[nodiscard]] static constexpr CrashProfile weak() noexcept {
    return {"weak", Names::kAnySubset, Data::kAnySectors};
  }
  [[nodiscard]] static constexpr CrashProfile hostile() noexcept {
    return {"hostile", Names::kAnySubset, Data::kAnyContents};
  }
};

/// All four, the mildest first.
inline constexpr CrashProfile kAllCrashProfiles[] = {CrashProfile::ordered(), CrashProfile::writeback(),
                                                     CrashProfile::weak(), CrashProfile::hostile()};

}  // namespace durability::testing
