#include "runtime/isolated/call.hpp"

#include "runtime/agent_cause.hpp"

#include <array>

namespace theus {
namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

Error no_message(const char* what) {
  return {Errc::bad_input, "a worker's message", what, "Build the worker's program and the engine's from one version"};
}

/// The items of a list of exactly so many.
template <std::size_t count>
std::optional<std::array<Value, count>> parts_of(const Value& list) {
  if (!list.is_list() || list.size() != count)
    return std::nullopt;
  std::array<Value, count> parts;
  for (std::size_t i = 0; const Value& item : list.items())
    parts[i++] = item;
  return parts;
}

bool is_text(const Value& value) { return value.is_string(); }

// Numbers of 64 bits without a sign travel as the integer of the same bits.
Value bits(std::uint64_t number) { return Value{static_cast<std::int64_t>(number)}; }
std::uint64_t number_of(const Value& value) { return static_cast<std::uint64_t>(value.as_int()); }

template <class Number>
bool is_within(const Value& value, Number most) {
  return value.is_int() && value.as_int() >= 0 && number_of(value) <= static_cast<std::uint64_t>(most);
}

bool is_code(const Value& value) {
  return is_within(value, UINT16_MAX) && to_string(static_cast<Errc>(value.as_int())) != "unknown";
}

std::optional<Path> path_of(const Value& text) {
  auto path = is_text(text) ? Path::parse(text.as_string()) : Result<Path>{no_message("a path is no text")};
  return path ? std::optional{*std::move(path)} : std::nullopt;
}

Value to_value(const Write& write) {
  return Value::list({Value{static_cast<std::int64_t>(write.kind)}, Value{write.path.spelling()}, write.value,
                      Value{write.position}, Value{write.removed}});
}

std::optional<Write> write_of(const Value& value) {
  const auto parts = parts_of<5>(value);
  if (!parts || !is_within((*parts)[0], Write::Kind::insert) || !is_within((*parts)[3], INT64_MAX) ||
      !is_within((*parts)[4], INT64_MAX))
    return std::nullopt;
  auto path = path_of((*parts)[1]);
  if (!path || path->is_root())
    return std::nullopt;
  return Write{*std::move(path), (*parts)[2], static_cast<Write::Kind>((*parts)[0].as_int()), number_of((*parts)[3]),
               number_of((*parts)[4])};
}

}  // namespace

Value to_value(const WorkerTerms& terms) {
  Value namespaces = Value::list();
  for (const Namespace& each : terms.access.namespaces)
    namespaces.push_back(Value::list({Value{each.name}, Value{static_cast<std::int64_t>(each.policy)}}));
  Value overrides = Value::list();
  for (const PathOverride& each : terms.access.overrides)
    overrides.push_back(Value::list({Value{each.path}, Value{static_cast<std::int64_t>(each.access)}}));
  return Value::list({bits(terms.seed), bits(terms.heavy_bytes_max), Value{terms.access.admin},
                      Value{terms.access.meta_entries_max}, std::move(namespaces), std::move(overrides)});
}

Result<WorkerTerms> worker_terms_of(const Value& value) {
  const auto parts = parts_of<6>(value);
  if (!parts || !(*parts)[0].is_int() || !(*parts)[1].is_int() || !(*parts)[2].is_bool() || !(*parts)[3].is_int() ||
      !(*parts)[4].is_list() || !(*parts)[5].is_list())
    return no_message("it tells no terms");
  WorkerTerms terms{.seed = number_of((*parts)[0]), .heavy_bytes_max = number_of((*parts)[1]), .access = {}};
  terms.access.admin = (*parts)[2].as_bool();
  terms.access.meta_entries_max = number_of((*parts)[3]);
  for (const Value& each : (*parts)[4].items()) {
    const auto pair = parts_of<2>(each);
    if (!pair || !is_text((*pair)[0]) || !is_within((*pair)[1], RootPolicy::scratch))
      return no_message("it tells no namespace");
    terms.access.namespaces.push_back(
        {std::string{(*pair)[0].as_string()}, static_cast<RootPolicy>((*pair)[1].as_int())});
  }
  for (const Value& each : (*parts)[5].items()) {
    const auto pair = parts_of<2>(each);
    if (!pair || !is_text((*pair)[0]) || !is_within((*pair)[1], PathAccess::immutable))
      return no_message("it tells no override");
    terms.access.overrides.push_back(
        {std::string{(*pair)[0].as_string()}, static_cast<PathAccess>((*pair)[1].as_int())});
  }
  return terms;
}

Value to_value(const IsolatedCall& call) {
  const auto time = std::chrono::duration_cast<nanoseconds>(call.time.time_since_epoch()).count();
  return Value::list({Value{call.name}, bits(call.contract), bits(call.execution), Value{call.attempt},
                      Value{static_cast<std::int64_t>(time)}, bits(call.version), call.arguments, call.state});
}

Result<IsolatedCall> isolated_call_of(const Value& value) {
  const auto parts = parts_of<8>(value);
  if (!parts || !is_text((*parts)[0]) || !(*parts)[7].is_map())
    return no_message("it is no call");
  for (const std::size_t number : {1, 2, 3, 4, 5})
    if (!(*parts)[number].is_int())
      return no_message("it is no call");
  IsolatedCall call;
  call.name = std::string{(*parts)[0].as_string()};
  call.contract = number_of((*parts)[1]);
  call.execution = number_of((*parts)[2]);
  call.attempt = static_cast<int>((*parts)[3].as_int());
  call.time =
      system_clock::time_point{std::chrono::duration_cast<system_clock::duration>(nanoseconds{(*parts)[4].as_int()})};
  call.version = number_of((*parts)[5]);
  call.arguments = (*parts)[6];
  call.state = (*parts)[7];
  return call;
}

Value done_value(const ExecutionResult& result) {
  Value reads = Value::list();
  for (const Path& path : result.proposal.reads)
    reads.push_back(Value{path.spelling()});
  Value writes = Value::list();
  for (const Write& write : result.proposal.writes)
    writes.push_back(to_value(write));
  Value signals = Value::list();
  for (const Signal& signal : result.proposal.signals)
    signals.push_back(Value::list({Value{signal.name}, signal.payload}));
  return Value::list({result.value, std::move(reads), std::move(writes), std::move(signals)});
}

Result<ExecutionResult> result_of_done(const Value& done) {
  const auto parts = parts_of<4>(done);
  if (!parts || !(*parts)[1].is_list() || !(*parts)[2].is_list() || !(*parts)[3].is_list())
    return no_message("it is no answer");
  ExecutionResult result;
  result.value = (*parts)[0];
  for (const Value& text : (*parts)[1].items()) {
    auto path = path_of(text);
    if (!path)
      return no_message("it tells of a read that is no path");
    result.proposal.reads.push_back(*std::move(path));
  }
  for (const Value& each : (*parts)[2].items()) {
    auto write = write_of(each);
    if (!write)
      return no_message("it asks for a write that is none");
    result.proposal.writes.push_back(*std::move(write));
  }
  for (const Value& each : (*parts)[3].items()) {
    const auto pair = parts_of<2>(each);
    if (!pair || !is_text((*pair)[0]))
      return no_message("it asks for a signal that is none");
    result.proposal.signals.push_back({std::string{(*pair)[0].as_string()}, (*pair)[1]});
  }
  return result;
}

Value failed_value(const Error& error) {
  return Value::list({Value{static_cast<std::int64_t>(error.code())}, Value{error.where()}, Value{error.cause()},
                      Value{error.remedy()}, error.fields()});
}

Error error_of_failed(const Value& failed) {
  const auto parts = parts_of<5>(failed);
  if (!parts || !is_code((*parts)[0]) || !is_text((*parts)[1]) || !is_text((*parts)[2]) || !is_text((*parts)[3]) ||
      !(*parts)[4].is_map())
    return no_message("it tells of no error");
  Error error{static_cast<Errc>((*parts)[0].as_int()), std::string{(*parts)[1].as_string()},
              std::string{(*parts)[2].as_string()}, std::string{(*parts)[3].as_string()}};
  for (const auto [name, value] : (*parts)[4].members())
    error.set(name, value);
  return error;
}

Value to_value(const WorkerLog& entry) {
  return Value::list({Value{static_cast<std::int64_t>(entry.level)}, Value{entry.text}, entry.fields});
}

Result<WorkerLog> worker_log_of(const Value& value) {
  const auto parts = parts_of<3>(value);
  if (!parts || !is_within((*parts)[0], LogLevel::error) || !is_text((*parts)[1]))
    return no_message("it is no log entry");
  WorkerLog entry{static_cast<LogLevel>((*parts)[0].as_int()), std::string{(*parts)[1].as_string()}, (*parts)[2]};
  entry.text.resize(std::min(entry.text.size(), LogEntry::text_bytes_max));
  return entry;
}

}  // namespace theus
