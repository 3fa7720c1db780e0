#include "runtime/execution.hpp"

#include "runtime/projection.hpp"
#include "runtime/return_mapping.hpp"
#include "runtime/snapshot_access.hpp"

#include <theus/errors.hpp>

namespace theus {
namespace {

/// The error, at this place within where it came up.
Error with_place(const Error& error, const std::string& place) {
  Error placed{error.code(), error.where() + ", " + place, error.cause(), error.remedy()};
  for (const auto fields = error.fields(); const auto [name, value] : fields.members())
    placed.set(name, value);
  return placed;
}

}  // namespace

Execution::Execution(ExecutionStart start)
    : start_(std::move(start)),
      standing_(start_.contract->standing()),
      overlay_(std::move(start_.snapshot), [this](const Path& path) {
        if (start_.notes_reads)
          reads_.add(path);
      }) {}

Status Execution::refuse(Error error) {
  if (!refused_)
    refused_ = error;
  return error;
}

Result<std::optional<Value>> Execution::read(const Path& path) {
  switch (start_.contract->reading(path, standing_)) {
    case Contract::Reading::whole: return shown(path, overlay_.find(path));
    case Contract::Reading::partial: return shown(path, read_partial(path));
    case Contract::Reading::none: break;
  }
  return refuse(start_.contract->illegal_read(path)).error();
}

/// Without what only an elevated execution may see.
std::optional<Value> Execution::shown(const Path& path, std::optional<Value> value) const {
  if (value && !standing_.is_elevated && SnapshotAccess::has_private(snapshot()))
    value = without_private(path, *std::move(value));
  return value;
}

/// An ancestor of declared paths shows its declared descendants only, and is absent when there are none.
std::optional<Value> Execution::read_partial(const Path& path) {
  std::optional<Value> shown;
  for (const auto* patterns : {&start_.contract->inputs(), &start_.contract->outputs()})
    for (const PathPattern& pattern : *patterns)
      for (const auto rest : pattern.rests_below(path))
        show_also(shown, read_pattern(path, rest));
  return shown;
}

// Keys are followed without looking at their siblings, so that these may change; a wildcard looks at all of them.
std::optional<Value> Execution::read_pattern(const Path& at, std::span<const Segment> rest) {
  const Segment& segment = rest.front();
  if (segment.is_index())
    return std::nullopt;
  if (is_wildcard(segment)) {
    const auto value = overlay_.find(at);
    return value ? projected(*value, rest) : std::nullopt;
  }
  const Path child = at.key(segment.key);
  auto value = rest.size() == 1 ? overlay_.find(child) : read_pattern(child, rest.subspan(1));
  if (!value)
    return std::nullopt;
  Value shown = Value::map();
  shown.set(segment.key, *std::move(value));
  return shown;
}

Status Execution::write(const Write& write) {
  if (auto allowed = start_.contract->may_write(write, standing_); !allowed)
    return refuse(allowed.error());
  if (start_.contract->access().brings_heavy(write)) [[unlikely]]
    return write_heavy(write);
  if (auto written = overlay_.write(write); !written)
    return refuse(written.error());
  return {};
}

Status Execution::write_heavy(const Write& write) {
  std::size_t copied = 0;
  auto admitted = start_.contract->access().admit(write, copied);
  if (!admitted && admitted.error().code() == Errc::contract_violation)
    return refuse(start_.contract->violation("heavy_only", admitted.error().where(), to_string(write.kind),
                                             admitted.error().cause(), admitted.error().remedy()));
  if (!admitted)
    return refuse(admitted.error());
  if (copied > 0)
    log(LogLevel::info, "copied into a heavy buffer; build it in place to save that",
        Value{{"path", write.path.text()}, {"bytes", copied}});
  if (auto written = overlay_.write(*admitted); !written)
    return refuse(written.error());
  return {};
}

Status Execution::elevate(std::string_view reason) {
  if (auto allowed = start_.contract->may_elevate(); !allowed)
    return refuse(allowed.error());
  if (reason.empty() || start_.trail == nullptr)
    return refuse(Error{Errc::bad_argument, "'" + start_.contract->name() + "'", "admin was asked for without a reason",
                        "Say why"});
  start_.trail->record({.kind = AuditEntry::Kind::elevation,
                        .who = start_.contract->name(),
                        .reason = std::string{reason},
                        .version = snapshot().version(),
                        .time = start_.time});
  standing_.is_elevated = true;
  return {};
}

Status Execution::emit(std::string_view signal, Value payload, const std::source_location& from) {
  if (auto allowed = start_.contract->may_emit(signal); !allowed) {
    const std::string_view path = from.file_name();
    const std::string_view file = path.substr(path.rfind('/') + 1);
    return refuse(with_place(allowed.error(), std::string{file} + ":" + std::to_string(from.line()))
                      .with("file", file)
                      .with("line", from.line()));
  }
  if (signals_.size() == signals_per_commit_max)
    return refuse(Error{Errc::too_large, "'" + start_.contract->name() + "'",
                        "more than " + std::to_string(signals_per_commit_max) + " signals in one commit",
                        "Emit fewer signals with larger payloads"});
  signals_.push_back({std::string{signal}, std::move(payload)});
  return {};
}

Status Execution::send(std::string_view agent, Value message) {
  const std::string& name = start_.contract->name();
  if (start_.addressees == nullptr)
    return refuse(Error{Errc::unsupported, "'" + name + "'", "only agents send messages to agents",
                        "Emit a signal, or call Engine::send after the execution"});
  if (auto known = start_.addressees->check(agent); !known)
    return refuse(known.error());
  if (messages_.size() == messages_per_commit_max)
    return refuse(Error{Errc::too_large, "'" + name + "'",
                        "more than " + std::to_string(messages_per_commit_max) + " messages in one commit",
                        "Send fewer messages with more in each"});
  messages_.push_back({std::string{agent}, std::move(message)});
  return {};
}

bool Execution::is_cancelled() {
  if (!start_.call->is_cancelled())
    return false;
  (void)refuse(Error{Errc::cancelled, "'" + start_.contract->name() + "'", "it was cancelled while it ran",
                     "Nothing of this execution was committed"});
  return true;
}

void Execution::log(LogLevel level, std::string_view text, Value fields) {
  if (!start_.log || ++logged_ > LogEntry::per_execution_max)
    return;
  if (logged_ == LogEntry::per_execution_max) {
    level = LogLevel::warning;
    text = "further entries of this execution are dropped";
    fields = {};
  }
  start_.log({level, std::string{text.substr(0, LogEntry::text_bytes_max)}, std::move(fields), start_.contract->name(),
              start_.id, snapshot().version(), start_.time});
}

Result<ExecutionResult> Execution::finish(const Returned& returned) {
  if (refused_)
    return *refused_;
  auto mapped = map_outputs(*start_.contract, returned);
  if (!mapped)
    return mapped.error();
  for (const auto& [path, output] : *mapped) {
    if (output.kind() == Output::Kind::unchanged)
      continue;
    const bool erases = output.kind() == Output::Kind::erase;
    const auto returned_value = erases ? std::nullopt : std::optional{output.value()};
    if (overlay_.is_written(path) && overlay_.find(path) != returned_value)
      return start_.contract->violation("illegal_write", path, "write",
                                        "it was written through the Context and returned with another value",
                                        "Do one of the two");
    if (auto written = write(erases ? Write::erase(path) : Write::set(path, output.value())); !written)
      return written.error();
  }
  ExecutionResult result;
  auto writes = overlay_.writes();  // may still mark paths as read
  result.proposal = {snapshot().version(), false, std::move(reads_).take(), std::move(writes), std::move(signals_)};
  result.proposal.standing = std::move(standing_);
  result.value = value_of(returned);
  result.agent_state = std::move(start_.agent_state);
  result.messages = std::move(messages_);
  return result;
}

namespace {

Error failed(const Execution& execution, std::string_view text) {
  const std::string& name = execution.start().contract->name();
  return Error{Errc::process_failed, "'" + name + "'", std::string{text}, "Nothing of this execution was committed"}
      .with("process", name)
      .with("text", text);
}

Error out_of_memory(std::string who) {
  return Error{Errc::resource_exhausted, std::move(who), "out of memory", "Nothing of this execution was committed"};
}

/// For when there is not even memory for a name: made beforehand.
const Error& nameless_out_of_memory() {
  static const Error error = out_of_memory("a body");
  return error;
}

/// The error with the stage of the pipeline in which it came up.
Error in_stage(const Execution& execution, const Error& error) {
  if (execution.stage().empty())
    return error;
  return with_place(error, "stage '" + execution.stage() + "'").with("stage", execution.stage());
}

// User code may throw anything; all of it becomes an Error here.
Result<ExecutionResult> attempt(const Body& body, Context& context, Execution& execution) try {
  auto returned = body(context);
  return returned ? execution.finish(*returned) : Result<ExecutionResult>{in_stage(execution, returned.error())};
} catch (const TheusError& error) {
  return in_stage(execution, error.error());
} catch (const std::bad_alloc&) {
  return out_of_memory("'" + execution.start().contract->name() + "'");
} catch (const std::exception& error) {
  return in_stage(execution, failed(execution, error.what()));
} catch (...) {
  return in_stage(execution, failed(execution, "an exception that is no std::exception"));
}

// What runs on this thread right now.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one per thread
thread_local const std::string* running = nullptr;

}  // namespace

RandomStream random_stream(std::uint64_t seed, std::string_view name, std::uint64_t number) noexcept {
  // The name's hash is spread over all bits, so streams of different names do not meet.
  return {seed, key_hash(name) + number};
}

RunningScope::RunningScope(const std::string& name) noexcept : around_(std::exchange(running, &name)) {}
RunningScope::~RunningScope() { running = around_; }

const std::string* running_body() noexcept { return running; }

// Memory may also end while the Error about something else is made.
Result<ExecutionResult> run_body(const Body& body, const std::shared_ptr<Execution>& execution) try {
  struct Closing {
    Execution& execution;
    ~Closing() { execution.close(); }
  } closing{*execution};
  (void)nameless_out_of_memory();
  const RunningScope scope{execution->start().contract->name()};
  Context context{execution};
  return attempt(body, context, *execution);
} catch (const std::bad_alloc&) {
  return nameless_out_of_memory();
}

}  // namespace theus
