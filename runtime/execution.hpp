#pragma once

#include "runtime/audit_trail.hpp"
#include "runtime/contract.hpp"
#include "runtime/overlay.hpp"
#include "runtime/proposal.hpp"
#include "runtime/read_set.hpp"

#include <theus/context.hpp>
#include <theus/trigger.hpp>

#include <atomic>
#include <cstdint>

namespace theus {

/// How far a process says it is, for pollers. Thread-safe.
struct ProgressGauge {
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> total{0};
};

/// What a caller tells a body that runs. Thread-safe.
struct CallState {
  std::atomic<bool> cancelled{false};
  /// Of the workflow run that the call is a step of, or null.
  std::shared_ptr<const std::atomic<bool>> run_cancelled = nullptr;
  std::shared_ptr<ProgressGauge> progress = std::make_shared<ProgressGauge>();

  bool is_cancelled() const noexcept {
    return cancelled.load(std::memory_order_relaxed) ||
           (run_cancelled != nullptr && run_cancelled->load(std::memory_order_relaxed));
  }
};

/// Who can be written to, by name. Thread-safe.
class Addressees {
public:
  virtual ~Addressees() = default;
  /// Refuses unknown_agent, with the nearest name.
  virtual Status check(std::string_view agent) const = 0;
};

/// What one attempt of one body starts from.
struct ExecutionStart {
  std::shared_ptr<const Contract> contract;
  Snapshot snapshot;
  Value arguments = Value::map();
  Value agent_state{};
  std::uint64_t id = 0;
  int attempt = 1;
  std::shared_ptr<CallState> call = std::make_shared<CallState>();
  LogSink log{};
  std::chrono::system_clock::time_point time{};
  RandomStream random{0, 0};
  /// Where elevations are recorded; nothing: there are none.
  std::shared_ptr<AuditTrail> trail{};
  /// Why it runs; nullptr: it was called. Must outlive the body's run, as must the addressees.
  const Trigger* trigger = nullptr;
  /// nullptr: it sends no messages.
  const Addressees* addressees = nullptr;
  /// False where what was read never makes a conflict: the proposal names no reads then.
  bool notes_reads = true;
};

/// A message that is to be sent once its execution is committed.
struct OutgoingMessage {
  std::string agent;
  Value content;
};

/// What a body wants, once the contract has been kept.
struct ExecutionResult {
  Proposal proposal;
  Value value;        ///< what the body returned
  Value agent_state;  ///< as the body left it
  std::vector<OutgoingMessage> messages;
};

/// One attempt of a body: the state behind its Context. Pure but for the log; belongs to the body's thread.
class Execution {
public:
  explicit Execution(ExecutionStart start);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// What it started from, but for the snapshot.
  const ExecutionStart& start() const noexcept { return start_; }
  const Snapshot& snapshot() const noexcept { return overlay_.base(); }

  // What a Context does. Every refusal is remembered: the execution fails even when the body swallows it.
  Result<std::optional<Value>> read(const Path& path);
  Status write(const Write& write);
  Status elevate(std::string_view reason);
  Status emit(std::string_view signal, Value payload, const std::source_location& from);
  Status send(std::string_view agent, Value message);
  /// From the first true on, the execution is refused: a body that stops early leaves half a result.
  bool is_cancelled();
  void log(LogLevel level, std::string_view text, Value fields);
  Value& local() noexcept { return local_; }
  Value& agent_state() noexcept { return start_.agent_state; }
  RandomStream& random() noexcept { return start_.random; }
  void enter_stage(std::string_view name) { stage_ = name; }
  /// The stage of a pipeline that runs; empty outside of one.
  const std::string& stage() const noexcept { return stage_; }

  /// Maps what the body returned onto the outputs and closes the execution: its Context answers `closed` from now on.
  Result<ExecutionResult> finish(const Returned& returned);
  void close() noexcept { closed_ = true; }
  bool is_closed() const noexcept { return closed_; }

private:
  std::optional<Value> shown(const Path& path, std::optional<Value> value) const;
  std::optional<Value> read_partial(const Path& path);
  std::optional<Value> read_pattern(const Path& at, std::span<const Segment> rest);
  Status refuse(Error error);
  Status write_heavy(const Write& write);

  ExecutionStart start_;
  Standing standing_;
  Overlay overlay_;
  ReadSet reads_;
  std::vector<Signal> signals_;
  std::vector<OutgoingMessage> messages_;
  Value local_ = Value::map();
  std::string stage_;
  std::optional<Error> refused_;  // the first rule that was broken
  std::size_t logged_ = 0;        // entries, those dropped among them
  bool closed_ = false;
};

/// The stream of one execution: of its number for a process, of the version it reads for an agent's step.
RandomStream random_stream(std::uint64_t seed, std::string_view name, std::uint64_t number) noexcept;

/// Runs the body once and catches what it throws: process_failed with its text, or the error it carried.
/// The one function that calls user bodies.
Result<ExecutionResult> run_body(const Body& body, const std::shared_ptr<Execution>& execution);

/// While it lives, code of the user's of that name runs on this thread, and calls no engine.
class RunningScope {
public:
  /// The name must outlive the scope.
  explicit RunningScope(const std::string& name) noexcept;
  ~RunningScope();
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

private:
  const std::string* const around_;
};

/// The name of the process, agent or rule whose code runs on this thread, or nullptr.
const std::string* running_body() noexcept;

/// Signals, and messages, of one execution at most; more are refused with too_large.
inline constexpr std::size_t signals_per_commit_max = 10'000;
inline constexpr std::size_t messages_per_commit_max = 10'000;

}  // namespace theus
