#include "runtime/attach/heavy_wire.hpp"

#include <algorithm>
#include <array>

namespace theus {
namespace {

using State = HeavyBufferInfo::State;

constexpr std::pair<State, std::string_view> state_names[] = {{State::published, "published"},
                                                              {State::in_place, "in_place"},
                                                              {State::dirty, "dirty"},
                                                              {State::lent_only, "lent_only"}};

Error misshapen() { return {Errc::peer_down, "attach", "the engine sent something that is no report of a heavy zone"}; }

// The counters of the zone, by name.
constexpr std::pair<std::string_view, std::uint64_t HeavyStatistics::*> counters[] = {
    {"bytes_used", &HeavyStatistics::bytes_used}, {"bytes_reserved", &HeavyStatistics::bytes_reserved},
    {"bytes_max", &HeavyStatistics::bytes_max},   {"bytes_copied", &HeavyStatistics::bytes_copied},
    {"buffers", &HeavyStatistics::buffers},       {"lent_only", &HeavyStatistics::lent_only},
    {"consumers", &HeavyStatistics::consumers},   {"recycled", &HeavyStatistics::recycled},
    {"refused", &HeavyStatistics::refused},       {"lost_leases", &HeavyStatistics::lost_leases},
};

Value to_wire(const HeavyBufferInfo& buffer) {
  Value paths = Value::list();
  for (const std::string& path : buffer.paths)
    paths.push_back(path);
  return {{"block", buffer.block},
          {"segment", buffer.segment},
          {"owner", buffer.owner},
          {"type", static_cast<int>(buffer.type)},
          {"shape", to_value(buffer.shape)},
          {"bytes", buffer.bytes},
          {"state", to_string(buffer.state)},
          {"holds", buffer.holds},
          {"leases", buffer.leases},
          {"places", buffer.places},
          {"paths", paths}};
}

bool read(const Value& value, auto& into) {
  auto number = value.get<std::remove_cvref_t<decltype(into)>>();
  if (!number)
    return false;
  into = *std::move(number);
  return true;
}

std::optional<HeavyBufferInfo> buffer_from(const Value& value) {
  HeavyBufferInfo buffer;
  std::string state;
  std::uint8_t type = 0;
  if (!read(value["block"], buffer.block) || !read(value["segment"], buffer.segment) ||
      !read(value["owner"], buffer.owner) || !read(value["type"], type) || !read(value["bytes"], buffer.bytes) ||
      !read(value["state"], state) || !read(value["holds"], buffer.holds) || !read(value["leases"], buffer.leases) ||
      !read(value["places"], buffer.places) || !value["paths"].is_list() || !value["shape"].is_list() ||
      value["shape"].size() > HeavyShape::dimensions_max)
    return std::nullopt;
  std::array<std::uint64_t, HeavyShape::dimensions_max> extents{};
  for (std::size_t i = 0; const Value& extent : value["shape"].items())
    if (!read(extent, extents[i++]))
      return std::nullopt;
  const auto named = std::ranges::find(state_names, state, [](const auto& each) { return each.second; });
  buffer.type = static_cast<HeavyType>(type);
  if (named == std::end(state_names) || size_of(buffer.type) == 0)
    return std::nullopt;
  buffer.shape = HeavyShape{extents, value["shape"].size()};
  buffer.state = named->first;
  for (const Value& path : value["paths"].items())
    if (!read(path, buffer.paths.emplace_back()))
      return std::nullopt;
  return buffer;
}

std::optional<HeavyHolder> holder_from(const Value& value) {
  HeavyHolder holder;
  std::int64_t age_us = 0;
  if (!read(value["pid"], holder.pid) || !read(value["leases"], holder.leases) || !read(value["bytes"], holder.bytes) ||
      !read(value["age_us"], age_us) || !read(value["is_over"], holder.is_over))
    return std::nullopt;
  holder.age = std::chrono::microseconds{age_us};
  return holder;
}

}  // namespace

std::string_view to_string(State state) noexcept {
  for (const auto& [known, name] : state_names)
    if (known == state)
      return name;
  return "unknown";
}

Value to_value(const HeavyShape& shape) {
  Value extents = Value::list();
  for (std::size_t i = 0; i < shape.dimensions(); ++i)
    extents.push_back(shape[i]);
  return extents;
}

Value to_wire(const HeavyReport& report) {
  Value statistics{{"huge_pages", report.statistics.huge_pages}};
  for (const auto& [name, member] : counters)
    statistics.set(name, report.statistics.*member);
  Value holders = Value::list();
  for (const HeavyHolder& each : report.holders)
    holders.push_back({{"pid", each.pid},
                       {"leases", each.leases},
                       {"bytes", each.bytes},
                       {"age_us", std::chrono::duration_cast<std::chrono::microseconds>(each.age).count()},
                       {"is_over", each.is_over}});
  Value buffers = Value::list();
  for (const HeavyBufferInfo& each : report.buffers)
    buffers.push_back(to_wire(each));
  return {{"statistics", statistics},
          {"holders", holders},
          {"buffers", buffers},
          {"omitted", report.omitted},
          {"has_places", report.has_places}};
}

Result<HeavyReport> heavy_report_from_wire(const Value& value) {
  HeavyReport report;
  const Value statistics = value["statistics"];
  bool is_sound = read(statistics["huge_pages"], report.statistics.huge_pages) &&
                  read(value["omitted"], report.omitted) && read(value["has_places"], report.has_places);
  for (const auto& [name, member] : counters)
    is_sound = is_sound && read(statistics[name], report.statistics.*member);
  if (!is_sound || !value["holders"].is_list() || !value["buffers"].is_list())
    return misshapen();
  for (const Value& each : value["holders"].items())
    if (auto holder = holder_from(each))
      report.holders.push_back(*holder);
    else
      return misshapen();
  for (const Value& each : value["buffers"].items())
    if (auto buffer = buffer_from(each))
      report.buffers.push_back(*std::move(buffer));
    else
      return misshapen();
  return report;
}

}  // namespace theus
