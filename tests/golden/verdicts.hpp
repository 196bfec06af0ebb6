#pragma once

// What the library says of files, and does to them.

#include <map>
#include <string>

#include "durability/walog/options.hpp"
#include "files.hpp"

namespace durability::golden {

/// What each error's message was followed by.
using Advice = std::map<std::string, std::string>;

/// How logs are opened here: small segments, and nothing that differs from run to run.
WalOptions wal_options();

/// Read strictly and in best effort, and opened for writing. Adds to `advice`.
std::string wal_verdict(const Files& files, Advice& advice);
std::string record_log_verdict(const Files& files, const std::string& path, Advice& advice);
/// Read; it is only written as a whole.
std::string checkpoint_verdict(const Files& files, const std::string& path, Advice& advice);

}  // namespace durability::golden
