#include "durability/testing/simulated_disk.hpp"

#include <utility>

#include "durability/base/error.hpp"

namespace durability::testing {
namespace {

// More of them would only multiply the states: what matters is that whole, plausible old bytes return.
constexpr std::size_t kEarlierLives = 2;

class Fnv1a {
 public:
  void add(ByteView bytes) noexcept {
    for (const std::byte byte : bytes) {
      hash_ = (hash_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
    }
  }
  void add(std::uint64_t number) noexcept {
    for (int shift = 0; shift < 64; shift += 8)
      hash_ = (hash_ ^ ((number >> shift) & 0xffU)) * 0x100000001b3U;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace

Inode SimulatedDisk::create(const SimulatedNames::Place& place, bool is_directory) {
  const Inode inode = names_.create(place, is_directory);
  if (!is_directory) files_.emplace(inode.id, SimulatedFile(sector_bytes_));
  return inode;
}

void SimulatedDisk::unlink(const SimulatedNames::Place& place) {
  if (const auto inode = names_.at(place); inode && !inode->is_directory) remember(file(inode->id).cached());
  names_.unlink(place);
}

void SimulatedDisk::rename(const SimulatedNames::Place& from, const SimulatedNames::Place& to) {
  const auto replaced = names_.at(to);
  if (replaced && !replaced->is_directory) remember(file(replaced->id).cached());
  names_.rename(from, to);
}

void SimulatedDisk::fail_sync_directory(InodeId directory, SyncFailure failure) {
  if (failure != SyncFailure::kKeep) names_.forget(directory);
}

void SimulatedDisk::truncate(InodeId file, std::uint64_t size) {
  auto& truncated = files_.at(file);
  if (size < truncated.cached().size()) remember(truncated.cached());
  truncated.truncate(size);
}

void SimulatedDisk::sync(InodeId file) {
  files_.at(file).sync();
  names_.file_synced(file);
}

void SimulatedDisk::remember(const Bytes& contents) {
  if (all_zeros(contents)) return;
  earlier_lives_.insert(earlier_lives_.begin(), contents);
  if (earlier_lives_.size() > kEarlierLives) earlier_lives_.pop_back();
}

bool SimulatedDisk::all_synced() const {
  bool synced = names_.all_synced();
  names_.walk([&](const std::string&, Inode inode) {
    if (!inode.is_directory && !file(inode.id).all_synced()) synced = false;
  });
  return synced;
}

SimulatedDisk SimulatedDisk::after_power_cut(const CrashProfile& profile, Chooser& chooser) const {
  SimulatedDisk after(sector_bytes_);
  after.names_ = names_.after_power_cut(profile, chooser);
  after.earlier_lives_ = earlier_lives_;
  std::map<InodeId, Bytes> contents;
  after.names_.walk([&](const std::string&, Inode inode) {
    if (inode.is_directory || contents.contains(inode.id)) return;
    contents[inode.id] = file(inode.id).after_power_cut(profile, chooser, earlier_lives_);
  });
  names_.walk([&](const std::string&, Inode inode) {
    if (inode.is_directory) return;
    const auto left = contents.find(inode.id);
    const Bytes& before = file(inode.id).cached();
    if (left == contents.end() || left->second != before) after.remember(before);
  });
  for (auto& [id, bytes] : contents) after.files_.emplace(id, SimulatedFile(sector_bytes_, std::move(bytes)));
  return after;
}

std::uint64_t SimulatedDisk::fingerprint() const {
  Fnv1a hash;
  names_.walk([&](const std::string& path, Inode inode) {
    hash.add(as_bytes(path));
    hash.add(inode.is_directory ? 1 : 2);
    if (inode.is_directory) return;
    hash.add(file(inode.id).cached().size());
    hash.add(file(inode.id).cached());
  });
  return hash.value();
}

std::string SimulatedDisk::describe() const {
  std::string text;
  names_.walk([&](const std::string& path, Inode inode) {
    text +=
        escape_for_display(path) + (inode.is_directory ? "/ " : " ") + fmt::format("(inode {})", inode.id);
    if (!inode.is_directory) text += ": " + file(inode.id).describe();
    text += '\n';
  });
  return text + names_.describe_pending();
}

}  // namespace durability::testing
