#pragma once

// The names of a simulated disk: a tree of directories, with what programs see of it, what the disk
// holds for certain, and the operations in between, each of which a power cut may lose
// (crash_profile.hpp says in which combinations).

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/testing/chooser.hpp"
#include "durability/testing/crash_profile.hpp"

namespace durability::testing {

using InodeId = std::uint64_t;

/// What a name leads to.
struct Inode {
  InodeId id = 0;
  bool is_directory = false;
  bool operator==(const Inode&) const = default;
};

/// A value: copying it copies the tree. Not thread-safe. Checks nothing: who changes a name has looked
/// at what is there.
class SimulatedNames {
 public:
  static constexpr InodeId kRoot = 1;
  using Entries = std::map<std::string, Inode, std::less<>>;
  /// A name in a directory.
  struct Place {
    InodeId directory;
    std::string name;
    bool operator==(const Place&) const = default;
  };

  SimulatedNames();

  /// The inode at a path, `""` being the root; none where a name on the way is missing or a file.
  [[nodiscard]] std::optional<Inode> find(std::string_view path) const;
  /// Where the last name of a path stands or would stand; none where its directory is missing.
  [[nodiscard]] std::optional<Place> place_of(std::string_view path) const;
  [[nodiscard]] std::optional<Inode> at(const Place& place) const;
  [[nodiscard]] const Entries& entries(InodeId directory) const { return visible_.at(directory); }
  [[nodiscard]] bool leads_to(std::string_view path, InodeId inode) const;
  /// Calls `visit(path, inode)` for every visible name, parents first, sorted.
  void walk(const std::function<void(const std::string&, Inode)>& visit) const;

  Inode create(const Place& place, bool is_directory);
  void unlink(const Place& place);
  /// `from` exists, and `to` does not lead to the same inode.
  void rename(const Place& from, const Place& to);

  /// Makes the names of a directory durable.
  void sync(InodeId directory);
  /// Drops the pending operations of a directory: visible, and never written (a failed sync).
  void forget(InodeId directory);
  /// A journal brings the names of a synced file along.
  void file_synced(InodeId file);

  [[nodiscard]] bool all_synced() const noexcept { return pending_.empty(); }
  /// The names after a power cut, all of them durable.
  [[nodiscard]] SimulatedNames after_power_cut(const CrashProfile& profile, Chooser& chooser) const;

  /// For failure messages: the unsynced operations, in order.
  [[nodiscard]] std::string describe_pending() const;

 private:
  struct Edit {
    Place place;
    std::optional<Inode> leads_to;
  };
  struct Operation {
    std::uint64_t number;
    std::vector<Edit> edits;
    std::optional<std::uint64_t> second_half_of;  // a rename of a file between directories
    bool journalled = false;                      // a journal has brought it to the disk
  };

  void apply(std::vector<Edit> edits, std::optional<std::uint64_t> second_half_of = std::nullopt);
  static void write(std::map<InodeId, Entries>& tree, const Operation& operation);
  [[nodiscard]] static bool touches(const Operation& operation, InodeId directory);
  [[nodiscard]] static bool needs(const Operation& later, const Operation& earlier);
  /// Everything up to the last operation that `concerned` names is in the journal.
  void journal_up_to_last(const std::function<bool(const Operation&)>& concerned);
  [[nodiscard]] std::vector<bool> choose_prefix(Chooser& chooser) const;
  [[nodiscard]] std::vector<bool> choose_subset(Chooser& chooser) const;

  std::map<InodeId, Entries> visible_;
  std::map<InodeId, Entries> durable_;
  std::vector<Operation> pending_;
  InodeId next_inode_ = kRoot + 1;
  std::uint64_t next_operation_ = 0;
};

}  // namespace durability::testing
