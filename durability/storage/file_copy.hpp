#pragma once

// A file written anew: what is to stay of it, in a new file that then takes its name.
//
// Never in place: a sector that is being written may hold anything after a power cut, even where the bytes
// were to stay what they were. So what is durable already cannot be lost by writing it once more. The order
// is that of a durable replacement (directory.hpp): the old file or the new one, whole, is there at every
// moment.

#include <functional>
#include <string>

#include "durability/storage/directory.hpp"

namespace durability {

/// The new contents: bytes, a part of what the file holds now, bytes.
struct FileCopy {
  Bytes head{};
  std::uint64_t keep_from = 0;  ///< of the file's present bytes, up to keep_to
  std::uint64_t keep_to = 0;
  Bytes tail{};
  std::uint64_t set_aside = 0;  ///< space is set aside up to here

  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return head.size() + (keep_to - keep_from) + tail.size();
  }
};

/// Hands the contents to `take`, in order, a buffer at a time. `path` is the file they are kept from.
Status for_each_piece(Directory& directory, std::string_view path, const FileCopy& copy,
                      const std::function<Status(ByteView)>& take);

/// Writes them to `target`, which is new. Its bytes are durable when this returns, its name is not.
Status write_copy(Directory& directory, std::string_view path, const FileCopy& copy, std::string_view target);

/// Replaces the file by them; durable when this returns. On an error the old file is as it was, but for a
/// failed sync of the directory: then it is the one or the other.
Status replace_by_copy(Directory& directory, std::string_view path, const FileCopy& copy);

}  // namespace durability
