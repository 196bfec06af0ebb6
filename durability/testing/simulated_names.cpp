#include "durability/testing/simulated_names.hpp"

#include <algorithm>
#include <utility>

#include "durability/base/error.hpp"

namespace durability::testing {

SimulatedNames::SimulatedNames() {
  visible_[kRoot];
  durable_[kRoot];
}

std::optional<Inode> SimulatedNames::find(std::string_view path) const {
  if (path.empty()) return Inode{kRoot, true};
  const auto place = place_of(path);
  return place ? at(*place) : std::nullopt;
}

std::optional<SimulatedNames::Place> SimulatedNames::place_of(std::string_view path) const {
  InodeId directory = kRoot;
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const auto inode = at({directory, std::string(path.substr(0, slash))});
    if (!inode || !inode->is_directory) return std::nullopt;
    directory = inode->id;
    path.remove_prefix(slash + 1);
  }
  return Place{directory, std::string(path)};
}

std::optional<Inode> SimulatedNames::at(const Place& place) const {
  const Entries& entries = visible_.at(place.directory);
  const auto found = entries.find(place.name);
  return found == entries.end() ? std::nullopt : std::optional(found->second);
}

bool SimulatedNames::leads_to(std::string_view path, InodeId inode) const {
  bool found = false;
  walk([&](const std::string& name, Inode named) { found = found || (named.id == inode && name == path); });
  return found;
}

void SimulatedNames::walk(const std::function<void(const std::string&, Inode)>& visit) const {
  const std::function<void(const std::string&, InodeId)> descend = [&](const std::string& prefix,
                                                                       InodeId directory) {
    for (const auto& [name, inode] : visible_.at(directory)) {
      visit(prefix + name, inode);
      if (inode.is_directory) descend(prefix + name + "/", inode.id);
    }
  };
  descend("", kRoot);
}

Inode SimulatedNames::create(const Place& place, bool is_directory) {
  const Inode inode{next_inode_++, is_directory};
  if (is_directory) {
    visible_[inode.id];
    durable_[inode.id];
  }
  apply({{place, inode}});
  return inode;
}

void SimulatedNames::unlink(const Place& place) { apply({{place, std::nullopt}}); }

void SimulatedNames::rename(const Place& from, const Place& to) {
  const Inode inode = at(from).value();
  if (inode.is_directory || from.directory == to.directory) {
    apply({{to, inode}, {from, std::nullopt}});
    return;
  }
  apply({{to, inode}});
  apply({{from, std::nullopt}}, pending_.back().number);
}

void SimulatedNames::apply(std::vector<Edit> edits, std::optional<std::uint64_t> second_half_of) {
  pending_.push_back({next_operation_++, std::move(edits), second_half_of});
  write(visible_, pending_.back());
}

void SimulatedNames::write(std::map<InodeId, Entries>& tree, const Operation& operation) {
  for (const auto& [place, inode] : operation.edits) {
    if (inode) {
      tree.at(place.directory).insert_or_assign(place.name, *inode);
    } else {
      tree.at(place.directory).erase(place.name);
    }
  }
}

bool SimulatedNames::touches(const Operation& operation, InodeId directory) {
  return std::ranges::any_of(operation.edits,
                             [&](const Edit& edit) { return edit.place.directory == directory; });
}

bool SimulatedNames::needs(const Operation& later, const Operation& earlier) {
  if (later.second_half_of == earlier.number) return true;
  return std::ranges::any_of(later.edits, [&](const Edit& edit) {
    return std::ranges::any_of(earlier.edits, [&](const Edit& before) { return before.place == edit.place; });
  });
}

void SimulatedNames::sync(InodeId directory) {
  journal_up_to_last([&](const Operation& operation) { return touches(operation, directory); });
  std::vector<bool> written(pending_.size());
  for (std::size_t index = pending_.size(); index-- > 0;) {
    written[index] = written[index] || touches(pending_[index], directory);
    for (std::size_t earlier = 0; written[index] && earlier < index; ++earlier) {
      written[earlier] = written[earlier] || needs(pending_[index], pending_[earlier]);
    }
  }
  std::vector<Operation> left;
  for (std::size_t index = 0; index < pending_.size(); ++index) {
    if (written[index]) {
      write(durable_, pending_[index]);
    } else {
      left.push_back(std::move(pending_[index]));
    }
  }
  pending_ = std::move(left);
}

void SimulatedNames::forget(InodeId directory) {
  std::erase_if(pending_, [&](const Operation& operation) { return touches(operation, directory); });
}

void SimulatedNames::file_synced(InodeId file) {
  journal_up_to_last([&](const Operation& operation) {
    return std::ranges::any_of(operation.edits,
                               [&](const Edit& edit) { return edit.leads_to && edit.leads_to->id == file; });
  });
}

void SimulatedNames::journal_up_to_last(const std::function<bool(const Operation&)>& concerned) {
  auto last = std::find_if(pending_.rbegin(), pending_.rend(), concerned);
  for (; last != pending_.rend(); ++last) last->journalled = true;
}

std::vector<bool> SimulatedNames::choose_prefix(Chooser& chooser) const {
  std::vector<std::size_t> lengths;
  for (std::size_t length = pending_.size();; --length) {
    const bool inside_a_rename = length < pending_.size() && length > 0 &&
                                 pending_[length].second_half_of == pending_[length - 1].number;
    if (!inside_a_rename) lengths.push_back(length);
    if (length == 0 || pending_[length - 1].journalled) break;
  }
  std::vector<bool> kept(pending_.size());
  std::fill_n(kept.begin(), lengths[chooser.choose(lengths.size())], true);
  return kept;
}

std::vector<bool> SimulatedNames::choose_subset(Chooser& chooser) const {
  std::vector<bool> kept(pending_.size());
  for (std::size_t index = 0; index < pending_.size(); ++index) {
    bool possible = true;
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
      if (!kept[earlier] && needs(pending_[index], pending_[earlier])) possible = false;
    }
    kept[index] = possible && chooser.choose(2) == 0;
  }
  return kept;
}

SimulatedNames SimulatedNames::after_power_cut(const CrashProfile& profile, Chooser& chooser) const {
  const auto kept =
      profile.names == CrashProfile::Names::kJournal ? choose_prefix(chooser) : choose_subset(chooser);
  SimulatedNames after;
  after.next_inode_ = next_inode_;
  after.durable_ = durable_;
  for (std::size_t index = 0; index < pending_.size(); ++index) {
    if (kept[index]) write(after.durable_, pending_[index]);
  }
  after.visible_ = after.durable_;
  return after;
}

std::string SimulatedNames::describe_pending() const {
  std::string text;
  for (const Operation& operation : pending_) {
    text += "unsynced:";
    for (const auto& [place, inode] : operation.edits) {
      text += fmt::format(" directory {} name {} -> {}", place.directory, escape_for_display(place.name),
                          inode ? fmt::format("inode {}", inode->id) : "nothing");
    }
    text += '\n';
  }
  return text;
}

}  // namespace durability::testing
