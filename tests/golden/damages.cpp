#include "damages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "page.hpp"

namespace durability::golden {
namespace {

struct Damage {
  std::string what;   ///< `wal/wal_1.log, a bit flipped at `
  std::string where;  ///< `68 length`
  std::function<void(Files&)> make;
};

void damage_file(const std::string& path, const Anatomy& anatomy, std::vector<Damage>& damages) {
  for (const Place& field : anatomy.fields) {
    damages.push_back({path + ", a bit flipped at ", fmt::format("{} {}", field.offset, field.name),
                       [path, at = field.offset](Files& files) { files[path][at] ^= std::byte{1}; }});
  }
  for (const std::size_t part : anatomy.parts) {
    for (const std::size_t at : {part, part + 1}) {
      damages.push_back(
          {path + ", cut at ", fmt::format("{}", at), [=](Files& files) { files[path].resize(at); }});
    }
  }
  for (const std::size_t at : anatomy.parts) {
    damages.push_back({path + ", zeros from ", fmt::format("{}", at), [=](Files& files) {
                         std::ranges::fill(MutableByteView(files[path]).subspan(at), std::byte{0});
                       }});
  }
}

std::vector<Damage> damages_of(const Sample& sample) {
  std::vector<Damage> damages;
  for (const auto& [path, bytes] : sample.files) damage_file(path, sample.anatomy(bytes), damages);
  for (auto file = sample.files.begin(); file != sample.files.end(); ++file) {
    damages.push_back({"missing: ", file->first, [file](Files& files) { files.erase(file->first); }});
  }
  for (auto file = sample.files.begin(); std::next(file) != sample.files.end(); ++file) {
    const auto other = std::next(file);
    damages.push_back({"swapped: ", file->first + " and " + other->first,
                       [=](Files& files) { std::swap(files[file->first], files[other->first]); }});
  }
  return damages;
}

}  // namespace

std::string damages_and_verdicts(const Sample& sample, Advice& advice) {
  std::string page;
  std::string verdict;  // of the damages that are being listed
  std::string what;
  std::string list;
  const auto end_list = [&] {
    if (!list.empty()) page += wrapped(what, std::exchange(list, {}));
  };
  for (const Damage& damage : damages_of(sample)) {
    Files files = sample.files;
    damage.make(files);
    if (files == sample.files) continue;  // zeros are zeroed
    std::string said = sample.verdict(files, advice);
    if (said != verdict || damage.what != what) end_list();
    if (said != verdict) page += std::exchange(verdict, std::move(said)) + '\n';
    what = damage.what;
    list += (list.empty() ? "" : ", ") + damage.where;
  }
  end_list();
  return page + verdict;
}

}  // namespace durability::golden
