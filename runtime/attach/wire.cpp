#include "runtime/attach/wire.hpp"

#include <theus/limits.hpp>

#include <array>

#include "runtime/attach/protocol.hpp"
#include "runtime/cbor.hpp"
#include "runtime/escape.hpp"
#include "runtime/path_key.hpp"

namespace theus {
namespace {

constexpr std::size_t value_bytes_max = std::size_t{1} << 20;
// Half of what an answer may have, so that one more entry and the frame around them fit.
constexpr std::size_t entries_bytes_max = answer_bytes_max / 2;

Error misshapen(std::string_view what) {
  return {Errc::bad_input, "attach", "a message holds no valid " + std::string{what}};
}

Value shortened(const Value& value) {
  const std::size_t bytes = encoded_size(value, value_bytes_max);
  return bytes > value_bytes_max ? Value{{"$omitted", encoded_size(value)}} : value;
}

// Names and texts of signals may be any bytes; texts of a message are UTF-8.
Value name_to_wire(std::string_view name) {
  return is_utf8(name) ? Value{name} : Value::bytes(std::as_bytes(std::span{name}));
}

Result<std::string> name_from_wire(const Value& value) {
  if (!value.is_bytes())
    return value.get<std::string>();
  const auto bytes = value.as_bytes();
  return std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<HeardSignal> signal_from_wire(const Value& value) {
  if (const Value* missed = value.find("missed"))
    if (const auto count = missed->get<std::uint64_t>(); count && *count > 0)
      return HeardSignal{.missed = *count, .name = {}, .payload = {}};
  const auto sequence = value["sequence"].get<std::uint64_t>();
  const auto version = version_from_wire(value["version"]);
  const auto index = value["index"].get<std::uint32_t>();
  auto name = name_from_wire(value["name"]);
  if (!sequence || !version || !index || !name)
    return misshapen("signal");
  return HeardSignal{0, *sequence, *version, *index, *std::move(name), value["payload"]};
}

Value to_wire(const Difference& difference) {
  Value entry{{"kind", to_string(difference.kind)}, {"path", to_wire(difference.path)}};
  if (difference.kind != Difference::Kind::added)
    entry.set("before", shortened(difference.before));
  if (difference.kind != Difference::Kind::removed)
    entry.set("after", shortened(difference.after));
  return entry;
}

Result<Difference> difference_from_wire(const Value& value) {
  using Kind = Difference::Kind;
  auto path = path_from_wire(value["path"]);
  if (!path)
    return path.error();
  for (const Kind kind : {Kind::added, Kind::removed, Kind::changed})
    if (value["kind"] == Value{to_string(kind)})
      return Difference{kind, *std::move(path), value["before"], value["after"]};
  return misshapen("kind of difference");
}

}  // namespace

Value to_wire(const Path& path) {
  Value list = Value::list();
  for (const Segment& segment : path.segments())
    list.push_back(segment.is_index() ? Value{segment.index} : Value{segment.key});
  return list;
}

Result<Path> path_from_wire(const Value& value) {
  if (!value.is_list() || value.size() > Path::segments_max)
    return misshapen("path");
  Path path;
  for (const Value& segment : value.items()) {
    if (segment.is_int() && segment.as_int() >= 0 && !path.is_root())
      path = path.index(static_cast<std::size_t>(segment.as_int()));
    else if (segment.is_string() && key_fault(segment.as_string()) == nullptr)
      path = path.key(segment.as_string());
    else
      return misshapen("path");
  }
  return path;
}

Value to_wire(const std::vector<Path>& paths) {
  Value list = Value::list();
  for (const Path& path : paths)
    list.push_back(to_wire(path));
  return list;
}

Result<std::vector<Path>> paths_from_wire(const Value& value, std::size_t paths_max) {
  if (!value.is_list() || value.empty() || value.size() > paths_max)
    return Error{Errc::bad_argument, "attach", "a request names 1 to " + std::to_string(paths_max) + " paths",
                 "Name a common parent; \"\" is the whole state"};
  std::vector<Path> paths;
  for (const Value& item : value.items()) {
    auto path = path_from_wire(item);
    if (!path)
      return path.error();
    paths.push_back(*std::move(path));
  }
  return paths;
}

Result<Version> version_from_wire(const Value& value) {
  if (!value.is_int() || value.as_int() < 0)
    return misshapen("version");
  return static_cast<Version>(value.as_int());
}

Value to_wire(const Error& error) {
  return {{"code", static_cast<int>(error.code())},
          {"where", error.where()},
          {"cause", error.cause()},
          {"remedy", error.remedy()},
          {"fields", error.fields()}};
}

Error error_from_wire(const Value& value) {
  const auto text = [&](std::string_view field) { return value[field].get<std::string>().value_or(""); };
  auto code = static_cast<Errc>(value["code"].get<std::uint16_t>().value_or(0));
  if (to_string(code) == "unknown")
    code = Errc::internal;
  Error error{code, text("where"), text("cause"), text("remedy")};
  for (const Value fields = value["fields"]; const auto [name, field] : fields.members())
    error.set(name, field);
  return error;
}

Value to_wire(const Changes& changes) {
  Value entries = Value::list();
  std::size_t omitted = changes.diff.omitted;
  std::size_t bytes = 0;
  for (const Difference& difference : changes.diff.entries) {
    const Value entry = to_wire(difference);
    bytes += encoded_size(entry);
    if (bytes <= entries_bytes_max)
      entries.push_back(entry);
    else
      ++omitted;
  }
  return {{"since", changes.since}, {"version", changes.version}, {"entries", entries}, {"omitted", omitted}};
}

Result<Changes> changes_from_wire(const Value& value) {
  const auto since = version_from_wire(value["since"]);
  const auto version = version_from_wire(value["version"]);
  const auto omitted = value["omitted"].get<std::size_t>();
  if (!since || !version || !omitted || !value["entries"].is_list())
    return misshapen("list of changes");
  Changes changes{*since, *version, {{}, *omitted}};
  for (const Value& entry : value["entries"].items()) {
    auto difference = difference_from_wire(entry);
    if (!difference)
      return difference.error();
    changes.diff.entries.push_back(*std::move(difference));
  }
  return changes;
}

Value to_wire(const Event& event) {
  const Value payload = event.payload.value();
  const bool is_sound = check_limits(payload).ok();
  return {{"sequence", event.sequence},
          {"version", event.version},
          {"index", event.index},
          {"name", name_to_wire(event.name)},
          {"payload", is_sound ? shortened(payload) : Value{{"$omitted", encoded_size(payload)}}}};
}

Result<std::vector<HeardSignal>> signals_from_wire(const Value& value) {
  if (!value["signals"].is_list())
    return misshapen("list of signals");
  std::vector<HeardSignal> signals;
  for (const Value& entry : value["signals"].items()) {
    auto signal = signal_from_wire(entry);
    if (!signal)
      return signal.error();
    signals.push_back(*std::move(signal));
  }
  return signals;
}

Value to_wire(const SignalCounts& counts) {
  Value list = Value::list();
  for (const auto& [name, count] : counts.counts)
    list.push_back(Value::list({name_to_wire(name), count}));
  return {
      {"elapsed_us", counts.elapsed.count()}, {"counts", list}, {"further", counts.further}, {"missed", counts.missed}};
}

Result<SignalCounts> counts_from_wire(const Value& value) {
  const auto elapsed = value["elapsed_us"].get<std::int64_t>();
  const auto further = value["further"].get<std::uint64_t>();
  const auto missed = value["missed"].get<std::uint64_t>();
  if (!elapsed || *elapsed < 0 || !further || !missed || !value["counts"].is_list())
    return misshapen("count of signals");
  SignalCounts counts{std::chrono::microseconds{*elapsed}, {}, *further, *missed};
  for (const Value& entry : value["counts"].items()) {
    auto name = name_from_wire(entry[0]);
    const auto count = entry[1].get<std::uint64_t>();
    if (!name || !count)
      return misshapen("count of signals");
    counts.counts[*std::move(name)] += *count;
  }
  return counts;
}

Value to_wire(const AccessOptions& access) {
  Value namespaces = Value::list();
  for (const Namespace& each : access.namespaces)
    namespaces.push_back(Value::list({Value{each.name}, Value{static_cast<std::uint64_t>(each.policy)}}));
  Value overrides = Value::list();
  for (const PathOverride& each : access.overrides)
    overrides.push_back(Value::list({Value{each.path}, Value{static_cast<std::uint64_t>(each.access)}}));
  return {{"namespaces", namespaces},
          {"overrides", overrides},
          {"admin", access.admin},
          {"meta_entries_max", access.meta_entries_max}};
}

Result<AccessOptions> access_from_wire(const Value& value) {
  AccessOptions access;
  const auto entries = value["meta_entries_max"].get<std::size_t>();
  if (!entries || !value["namespaces"].is_list() || !value["overrides"].is_list())
    return misshapen("access rules");
  access.meta_entries_max = *entries;
  access.admin = value["admin"].get<bool>().value_or(false);
  for (const Value& each : value["namespaces"].items()) {
    const auto policy = each[1].get<std::uint8_t>();
    if (!policy || *policy > static_cast<std::uint8_t>(RootPolicy::scratch))
      return misshapen("policy of a root key");
    access.namespaces.push_back({each[0].get<std::string>().value_or(""), static_cast<RootPolicy>(*policy)});
  }
  for (const Value& each : value["overrides"].items()) {
    const auto rule = each[1].get<std::uint8_t>();
    if (!rule || *rule > static_cast<std::uint8_t>(PathAccess::immutable))
      return misshapen("rule of a path");
    access.overrides.push_back({each[0].get<std::string>().value_or(""), static_cast<PathAccess>(*rule)});
  }
  return access;
}

Value to_wire(const EngineInfo& info) {
  return {{"pid", info.pid},
          {"program", info.program},
          {"theus_version", info.theus_version},
          {"uptime_ms", info.uptime.count()},
          {"version", info.version}};
}

Result<EngineInfo> info_from_wire(const Value& value) {
  const auto pid = value["pid"].get<std::int64_t>();
  const auto program = value["program"].get<std::string>();
  const auto theus_version = value["theus_version"].get<std::string>();
  const auto uptime = value["uptime_ms"].get<std::int64_t>();
  const auto version = version_from_wire(value["version"]);
  if (!pid || !program || !theus_version || !uptime || !version)
    return misshapen("description of an engine");
  return EngineInfo{*pid, *program, *theus_version, std::chrono::milliseconds{*uptime}, *version};
}

}  // namespace theus
