#include <theus/attach.hpp>

#include "runtime/attach/heavy_wire.hpp"
#include "runtime/attach/link.hpp"
#include "runtime/attach/wire.hpp"

namespace theus {

Result<AttachedEngine> AttachedEngine::attach(std::string_view handle, Timeout timeout) {
  auto link = Link::open(handle, timeout);
  if (!link)
    return link.error();
  return AttachedEngine{*std::move(link)};
}

AttachedEngine::AttachedEngine(std::unique_ptr<Link> link) noexcept : link_(std::move(link)) {}
AttachedEngine::AttachedEngine(AttachedEngine&&) noexcept = default;
AttachedEngine& AttachedEngine::operator=(AttachedEngine&&) noexcept = default;
AttachedEngine::~AttachedEngine() = default;

Result<EngineInfo> AttachedEngine::info(Timeout timeout) {
  const auto answer = link_->request("info", Value::map(), timeout);
  if (!answer)
    return answer.error();
  return info_from_wire(*answer);
}

Result<Reading> AttachedEngine::get(const Path& path, Timeout timeout) {
  const auto answer = link_->request("get", {{"path", to_wire(path)}}, timeout);
  if (!answer)
    return answer.error();
  const auto version = version_from_wire((*answer)["version"]);
  if (!version)
    return version.error();
  const Value* value = answer->find("value");
  return Reading{value != nullptr ? std::optional{*value} : std::nullopt, *version};
}

Result<Version> AttachedEngine::set(const Path& path, const Value& value, const SetOptions& options, Timeout timeout) {
  Value request{{"path", to_wire(path)}, {"value", value}, {"reason", options.reason}};
  if (options.expected)
    request.set("expected", *options.expected);
  return link_->request_version("set", std::move(request), timeout);
}

Result<Version> AttachedEngine::watch(const std::vector<Path>& paths, std::optional<Version> since, Timeout timeout) {
  Value request{{"paths", to_wire(paths)}};
  if (since)
    request.set("since", *since);
  return link_->request_version("watch", std::move(request), timeout);
}

Result<Changes> AttachedEngine::next(Timeout timeout) {
  const auto event = link_->next_event("changes", timeout);
  if (!event)
    return event.error();
  return changes_from_wire(*event);
}

Result<std::uint64_t> AttachedEngine::send_signal(std::string_view name, const Value& payload, Timeout timeout) {
  const auto answer = link_->request("signal", {{"name", name}, {"payload", payload}}, timeout);
  return answer ? (*answer)["sequence"].get<std::uint64_t>() : Result<std::uint64_t>{answer.error()};
}

Status AttachedEngine::listen(const ListenOptions& options, Timeout timeout) {
  const auto answer = link_->request("listen", {{"filter", options.filter}, {"last", options.last}}, timeout);
  return answer ? Status{} : answer.error();
}

Result<std::vector<HeardSignal>> AttachedEngine::next_signals(Timeout timeout) {
  const auto event = link_->next_event("signals", timeout);
  return event ? signals_from_wire(*event) : Result<std::vector<HeardSignal>>{event.error()};
}

Status AttachedEngine::count_signals(std::string_view filter, Timeout timeout) {
  const auto answer = link_->request("count", {{"filter", filter}}, timeout);
  return answer ? Status{} : answer.error();
}

Result<SignalCounts> AttachedEngine::next_counts(Timeout timeout) {
  const auto event = link_->next_event("counts", timeout);
  return event ? counts_from_wire(*event) : Result<SignalCounts>{event.error()};
}

Result<Version> AttachedEngine::mark(Timeout timeout) { return link_->request_version("mark", Value::map(), timeout); }

Result<Changes> AttachedEngine::changes(const std::vector<Path>& paths, std::size_t entries_max, Timeout timeout) {
  const auto answer = link_->request("changes", {{"paths", to_wire(paths)}, {"entries_max", entries_max}}, timeout);
  if (!answer)
    return answer.error();
  return changes_from_wire(*answer);
}

Result<HeavyReport> AttachedEngine::heavy_report(const HeavyQuery& query, Timeout timeout) {
  const auto answer = link_->request(
      "heavy", {{"age_ms", query.age_max.count()}, {"buffers_max", query.buffers_max}, {"places", query.wants_places}},
      timeout);
  if (!answer)
    return answer.error();
  return heavy_report_from_wire(*answer);
}

void AttachedEngine::interrupt() noexcept { link_->interrupt(); }

}  // namespace theus
