#pragma once

// A Directory in memory, for tests and for what need not outlive the process. It behaves as a disk
// does, unlinked files that are still open included, but has no stable storage: durable operations are
// `not_supported`.

#include "durability/storage/directory.hpp"

namespace durability {

/// Thread-safe. Files and locks that it handed out may outlive it. Nothing survives the process. A path
/// through a file is `io` with ENOTDIR, as on a disk.
class MemoryDirectory : public Directory {
 public:
  [[nodiscard]] static std::shared_ptr<MemoryDirectory> make();
};

}  // namespace durability
