#include "repair_plan_json.hpp"

namespace durability::cli {
namespace {

std::optional<EntryId> id_from(const Json& value) {
  if (value.is_null()) return {};
  return EntryId(value.get<std::uint64_t>());
}

ErrorCode code_from(const std::string& name) {
  for (ErrorCode code{}; code_name(code) != "unknown";
       code = static_cast<ErrorCode>(static_cast<int>(code) + 1)) {
    if (code_name(code) == name) return code;
  }
  return ErrorCode::kCorrupt;  // applying compares the whole plan anyway
}

Json json_of_file(const WalRepairFile& file) {
  return {{"segment_id", file.segment.value()},
          {"bytes_before", file.before ? Json(file.before->bytes) : Json(nullptr)},
          {"crc_before", file.before ? Json(file.before->crc) : Json(nullptr)},
          {"bytes_after", file.bytes_after ? Json(*file.bytes_after) : Json(nullptr)}};
}

WalRepairFile file_from(const Json& json) {
  WalRepairFile file{.segment = SegmentId(json.at("segment_id").get<std::uint64_t>())};
  if (!json.at("bytes_before").is_null()) {
    file.before = {.bytes = json.at("bytes_before").get<std::uint64_t>(),
                   .crc = json.at("crc_before").get<std::uint32_t>()};
  }
  if (!json.at("bytes_after").is_null()) file.bytes_after = json.at("bytes_after").get<std::uint64_t>();
  return file;
}

Json json_of_range(const SegmentRange& range) {
  return {{"segment_id", range.segment.value()},
          {"first_entry_id", range.first.value()},
          {"entries", range.entries},
          {"sealed", range.sealed}};
}

SegmentRange range_from(const Json& json) {
  return {.segment = SegmentId(json.at("segment_id").get<std::uint64_t>()),
          .first = EntryId(json.at("first_entry_id").get<std::uint64_t>()),
          .entries = json.at("entries").get<std::uint64_t>(),
          .sealed = json.at("sealed").get<bool>()};
}

Json json_of_hole(const WalUnreadable& hole) {
  return {{"segment_id", hole.segment.value()}, {"offset", hole.offset}, {"bytes", hole.bytes}};
}

WalUnreadable hole_from(const Json& json) {
  return {.segment = SegmentId(json.at("segment_id").get<std::uint64_t>()),
          .offset = json.at("offset").get<std::uint64_t>(),
          .bytes = json.at("bytes").get<std::uint64_t>()};
}

SavedPlan plan_from(const Json& json) {
  SavedPlan saved;
  saved.first_entry_id = EntryId(json.at("restart_at").get<std::uint64_t>());
  WalRepairPlan& plan = saved.plan;
  plan.code = code_from(json.at("code").get<std::string>());
  plan.reason = json.at("reason").get<std::string>();
  plan.damaged_segment = SegmentId(json.at("damaged_segment").get<std::uint64_t>());
  plan.damaged_offset = json.at("damaged_offset").get<std::uint64_t>();
  plan.cut_segment = SegmentId(json.at("cut_segment").get<std::uint64_t>());
  plan.cut_offset = json.at("cut_offset").get<std::uint64_t>();
  plan.format = static_cast<WalFormat>(json.at("version").get<std::uint8_t>());
  plan.next = EntryId(json.at("next_entry_id").get<std::uint64_t>());
  plan.first_lost = id_from(json.at("first_lost"));
  plan.last_lost_seen = id_from(json.at("last_lost_seen"));
  plan.acknowledged = id_from(json.at("acknowledged"));
  plan.opens = json.at("opens").get<bool>();
  for (const Json& range : json.at("sound_behind")) plan.sound_after.push_back(range_from(range));
  for (const Json& hole : json.at("unreadable")) plan.unreadable.push_back(hole_from(hole));
  plan.kept_crc = json.at("kept_crc").get<std::uint32_t>();
  for (const Json& file : json.at("files")) plan.files.push_back(file_from(file));
  return saved;
}

Error no_plan(std::string message) {
  return Error(ErrorCode::kDecode, std::move(message))
      .advise("nothing was changed; --plan --json prints one");
}

}  // namespace

Json json_of(const SavedPlan& saved) {
  const WalRepairPlan& plan = saved.plan;
  Json files = Json::array();
  for (const WalRepairFile& file : plan.files) files.push_back(json_of_file(file));
  Json sound_behind = Json::array();
  for (const SegmentRange& range : plan.sound_after) sound_behind.push_back(json_of_range(range));
  Json unreadable = Json::array();
  for (const WalUnreadable& hole : plan.unreadable) unreadable.push_back(json_of_hole(hole));
  return {{"needed", true},
          {"code", code_name(plan.code)},
          {"reason", plan.reason},
          {"damaged_segment", plan.damaged_segment.value()},
          {"damaged_offset", plan.damaged_offset},
          {"cut_segment", plan.cut_segment.value()},
          {"cut_offset", plan.cut_offset},
          {"version", static_cast<unsigned>(plan.format)},
          {"next_entry_id", plan.next.value()},
          {"first_lost", id_or_null(plan.first_lost)},
          {"last_lost_seen", id_or_null(plan.last_lost_seen)},
          {"acknowledged", id_or_null(plan.acknowledged)},
          {"opens", plan.opens},
          {"sound_entries_behind", plan.sound_entries_after()},
          {"sound_behind", std::move(sound_behind)},
          {"unreadable", std::move(unreadable)},
          {"files", std::move(files)},
          {"kept_crc", plan.kept_crc},
          {"restart_at", saved.first_entry_id.value()}};
}

Result<SavedPlan> parse_plan(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.is_object() && json.value("needed", Json()) == false) {
      return Error(ErrorCode::kInvalidState,
                   "nothing is to be repaired: this is the plan of a log that opens")
          .advise("nothing was changed; if the log does not open any more, make a plan of what it is now");
    }
    return plan_from(json);
  } catch (const Json::parse_error& broken) {
    return no_plan("not a plan of a repair: no JSON").at_offset(broken.byte == 0 ? 0 : broken.byte - 1);
  } catch (const Json::exception&) {  // something is not there, or of another type
    return no_plan("not a plan of a repair: its fields are not those that --plan --json prints");
  }
}

}  // namespace durability::cli
