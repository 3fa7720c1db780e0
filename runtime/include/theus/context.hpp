#pragma once

#include <theus/log.hpp>
#include <theus/process.hpp>
#include <theus/random.hpp>
#include <theus/snapshot.hpp>
#include <theus/trigger.hpp>
#include <theus/write.hpp>

#include <memory>
#include <optional>
#include <source_location>

namespace theus {

class Execution;

/// What a body may see and do: the declared paths of one snapshot, its own private changes on top of them, signals, log
/// and progress. Nothing leaves it before the commit.
///
/// Members throw the typed exception of the rule they see broken; a body that swallows it fails all the same. Use it
/// on the body's thread only and not beyond the body: a kept Context answers with LogicError `closed`.
class Context {
public:
  explicit Context(std::shared_ptr<Execution> execution) noexcept : execution_(std::move(execution)) {}

  /// The name of the process or agent that runs.
  const std::string& name() const;
  /// The version of the snapshot this attempt reads.
  Version version() const;
  /// 1 for the first run of the body, then one more after each conflict.
  int attempt() const;

  /// When this attempt began, by the wall clock: the same at every call.
  std::chrono::system_clock::time_point now() const;
  /// A stream of its own for each execution, or each step of an agent: a function of EngineOptions::seed, the name and
  /// a number: the execution's; in a round the version that is read; of an agent that acts on its own, how many times
  /// it has run. Attempts of one execution get the same numbers.
  RandomStream& random();

  /// Why the body runs: the tick, signal, change or message that an agent acts on, with what it carries. Valid as long
  /// as the body runs.
  const Trigger& trigger() const;

  /// The arguments of the call, as a map.
  const Value& arguments() const;
  /// One argument; absent or of another kind: LogicError bad_argument.
  template <class T = Value>
  T argument(std::string_view name) const {
    return argument_value(name).template get<T>().value();
  }
  template <class T>
  T argument(std::string_view name, T fallback) const {
    const Value* value = arguments().find(name);
    return value == nullptr ? std::move(fallback) : value->get<T>().value();
  }

  /// The value at a declared path, own writes included, or nothing.
  std::optional<Value> find(const Path& path) const;
  /// The value at a declared path; absent or of another kind: LogicError bad_argument.
  template <class T = Value>
  T get(const Path& path) const {
    auto value = find(path);
    return value ? converted<T>(path, *value) : throw_absent<T>(path);
  }
  template <class T>
  T get(const Path& path, T fallback) const {
    auto value = find(path);
    return value ? converted<T>(path, *value) : std::move(fallback);
  }
  bool contains(const Path& path) const { return find(path).has_value(); }

  /// Any of the changes of <theus/write.hpp> below a declared output.
  void write(Write change);
  void set(const Path& path, Value value) { write(Write::set(path, std::move(value))); }
  void erase(const Path& path) { write(Write::erase(path)); }
  void append(const Path& path, Value item) { write(Write::append(path, std::move(item))); }
  void splice(const Path& path, std::size_t position, std::size_t removed, Value items) {
    write(Write::splice(path, position, removed, std::move(items)));
  }
  void increment(const Path& path, Value amount = 1) { write(Write::increment(path, std::move(amount))); }
  void max(const Path& path, Value least) { write(Write::max(path, std::move(least))); }
  void insert(const Path& path, Value item) { write(Write::insert(path, std::move(item))); }
  /// Takes the value from one path to another; reads `from`.
  void move(const Path& from, const Path& to);

  /// Scratch of this execution, never committed.
  Value& local();
  /// The private state of an agent, kept from one run to its next when the commit succeeds. Null for a process.
  Value& agent_state();

  /// From now on zones do not limit this execution: it reads and writes declared paths of the private zone, and may
  /// rewrite logs. Needs AccessOptions::admin and the side effect `admin`; stands in the audit log with its reason.
  /// Constants and the declared contract hold all the same.
  void admin(std::string_view reason);

  /// Publishes a signal after the commit. Refused in pure and guide processes, naming the line of the call.
  void emit(std::string_view signal, Value payload = {}, std::source_location from = std::source_location::current());

  /// Sends a message to an agent, after the commit and only then. Of agents only. Refuses unknown_agent, with the
  /// nearest name; when the other's backlog is full at the commit, the whole execution fails with `overloaded`.
  void send(std::string_view agent, Value message);

  /// `ctx.log().info("matched", {{"orders", 3}})`
  class Log;
  Log log() const;
  /// Readable at once by pollers, without a commit.
  void progress(std::uint64_t done, std::uint64_t total);

  /// Whether the deadline has passed or the call was cancelled: a long body looks now and then, and returns. Once it
  /// was told so, nothing of this execution is committed.
  bool is_cancelled() const;

  /// From now on an error of this body names the stage; see <theus/pipeline.hpp>.
  void enter_stage(std::string_view name);

private:
  friend class Log;

  Execution& live() const;
  Value argument_value(std::string_view name) const;
  [[noreturn]] void refuse_absent(const Path& path) const;
  [[noreturn]] void refuse_kind(const Path& path, const Error& why) const;
  void write_log(LogLevel level, std::string_view text, Value fields) const;

  template <class T>
  T throw_absent(const Path& path) const {
    refuse_absent(path);
  }
  template <class T>
  T converted(const Path& path, const Value& value) const {
    auto result = value.get<T>();
    if (!result)
      refuse_kind(path, result.error());
    return *std::move(result);
  }

  std::shared_ptr<Execution> execution_;
};

class Context::Log {
public:
  explicit Log(const Context& context) noexcept : context_(context) {}

  void debug(std::string_view text, Value fields = {}) const {
    context_.write_log(LogLevel::debug, text, std::move(fields));
  }
  void info(std::string_view text, Value fields = {}) const {
    context_.write_log(LogLevel::info, text, std::move(fields));
  }
  void warning(std::string_view text, Value fields = {}) const {
    context_.write_log(LogLevel::warning, text, std::move(fields));
  }
  void error(std::string_view text, Value fields = {}) const {
    context_.write_log(LogLevel::error, text, std::move(fields));
  }

private:
  const Context& context_;
};

inline Context::Log Context::log() const { return Log{*this}; }

}  // namespace theus
