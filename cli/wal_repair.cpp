// wal repair: cuts a log that opening refuses down to its longest sound prefix, and can take that back.

#include "durability/walog/maintenance.hpp"
#include "file_place.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "repair_plan_json.hpp"

namespace durability::cli {
namespace {

constexpr std::uint64_t kMaxPlanBytes = std::uint64_t{64} << 20U;

struct RepairOptions : LogOptions {
  bool plan = false;
  std::string apply;
  bool cut_sound_entries = false;
  bool undo = false;
  std::uint64_t restart_at = 1;
};

WalMaintenance maintenance(std::shared_ptr<Directory> directory, EntryId first_entry_id) {
  WalOptions options;
  options.first_entry_id = first_entry_id;
  return WalMaintenance(std::move(directory), std::move(options));
}

std::string what_to_do(const WalRepairPlan& plan) {
  if (!plan.opens) return "Nothing was changed. To do this: --plan --json > PLAN, then --apply PLAN.\n";
  return fmt::format(
      "Nothing was changed. The log opens and can be appended to as it is, and {} sound entries stand after "
      "the\n"
      "damage: restore the damaged file from a copy if there is one. To cut them all the same, and keep them "
      "in\n"
      "quarantine: --plan --json > PLAN, then --apply PLAN --cut-sound-entries.\n",
      plan.sound_entries_after());
}

Outcome print_plan(const RepairOptions& options, const std::shared_ptr<Directory>& directory) {
  const EntryId restart_at(options.restart_at);
  auto plan = maintenance(directory, restart_at).repair_plan();
  if (!plan) return Outcome::failed(located(options.place, plan.error()));
  if (!*plan) {
    return {.fields = Json{{"needed", false}},
            .text = "nothing to repair: the log opens as it is\n",
            .error = {}};
  }
  const SavedPlan saved{.plan = **std::move(plan), .first_entry_id = restart_at};
  return {.fields = json_of(saved),
          .text = fmt::format("{}\n{}", saved.plan.to_string(), what_to_do(saved.plan)),
          .error = {}};
}

Result<SavedPlan> read_plan(const std::string& file) {
  DURABILITY_TRY_ASSIGN(const FilePlace path, FilePlace::open_file(file));
  const auto bytes = path.directory->read_file(path.name, kMaxPlanBytes);
  if (!bytes) return located(path.parent, bytes.error());
  auto plan = parse_plan(as_text(*bytes));
  if (!plan) return std::move(plan).error().in_file(file);
  return plan;
}

/// As a user can open it.
std::string below(const RepairOptions& options, const std::string& quarantine) {
  return escape_for_display((std::filesystem::path(options.place) / quarantine).string());
}

Outcome apply_plan(const RepairOptions& options, const std::shared_ptr<Directory>& directory) {
  const auto saved = read_plan(options.apply);
  if (!saved) return Outcome::failed(saved.error());
  const auto consent =
      options.cut_sound_entries ? WalRepairConsent::kThoughItOpens : WalRepairConsent::kToOpen;
  const auto place = maintenance(directory, saved->first_entry_id).repair(saved->plan, consent);
  if (!place) {
    Error error = located(options.place, place.error());
    if (error.code() == ErrorCode::kInvalidState && saved->plan.opens && !options.cut_sound_entries) {
      error.advise(
          "nothing was changed; restore this file from a copy, or agree to cut them too "
          "(--cut-sound-entries)");
    }
    return Outcome::failed(std::move(error));
  }
  return {.fields = Json{{"next_entry_id", saved->plan.next.value()}, {"quarantine", *place}},
          .text = fmt::format("repaired: the log goes on with entry {}; what was cut is in {}\n",
                              saved->plan.next, below(options, *place)),
          .error = {}};
}

Outcome undo_last(const RepairOptions& options, const std::shared_ptr<Directory>& directory) {
  const auto place = WalMaintenance(directory).undo_repair();
  if (!place) return Outcome::failed(located(options.place, place.error()));
  return {.fields = Json{{"quarantine", *place}},
          .text = fmt::format("undone: every byte that was in {} is back\n", below(options, *place)),
          .error = {}};
}

Outcome run_repair(const RepairOptions& options) {
  if (options.plan) prepare_end_of_memory(options.place, Effect::kReads);
  auto directory = options.plan ? open_log(options) : open_remains(options);
  if (!directory) return Outcome::failed(directory.error());
  if (options.undo) return undo_last(options, *directory);
  return options.plan ? print_plan(options, *directory) : apply_plan(options, *directory);
}

}  // namespace

void add_wal_repair(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<RepairOptions>(
      wal,
      {.name = "repair",
       .description =
           "Cuts a log that cannot be opened down to its longest sound prefix. What is cut is kept in "
           "wal/quarantine/.",
       .place = "DIR",
       .place_description = kDirectoryHelp,
       .effect = Effect::kWrites},
      selected, run_repair);
  CLI::Option_group* what = command->add_option_group("what");
  CLI::Option* plan = what->add_flag("--plan", options->plan,
                                     "Say what would be cut, why, and what is lost with it; writes nothing");
  CLI::Option* apply =
      what->add_option("--apply", options->apply, "Do what this file says, as --plan --json printed it")
          ->check(a_place());
  what->add_flag("--undo", options->undo, "Put back what the last repair took out");
  what->require_option(1);
  command
      ->add_flag("--cut-sound-entries", options->cut_sound_entries,
                 "With --apply, of a log that opens as it is: cut the sound entries after the damage too")
      ->needs(apply);
  command
      ->add_option("--restart-at", options->restart_at,
                   "With --plan, where the log's beginning is damaged: the id of its next entry")
      ->transform(number())
      ->needs(plan);
}

}  // namespace durability::cli
