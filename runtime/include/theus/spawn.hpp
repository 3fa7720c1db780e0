#pragma once

#include <theus/agent.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace theus {

class Engine;

/// How a process that joins this engine is started and kept alive.
struct SpawnOptions {
  /// It is started again when it ends; having ended once more than that it is given up.
  Restarts restarts{};
  /// Before it is started again: 10 ms after the first end of the span, twice as long after each further one, and never
  /// longer than this.
  std::chrono::milliseconds pause_max{2'000};
  /// How long it may take until it has joined and registered everything; then it is killed, which counts as an end.
  std::chrono::milliseconds start_timeout{10'000};
  /// How long it may take to end when it is asked to, before it is killed.
  std::chrono::milliseconds grace{2'000};
  /// Program and arguments. Empty: this program again, which must call serve_if_spawned().
  std::vector<std::string> command{};
};

/// A process that Engine::spawn_process() has started, as its supervision sees it.
struct SpawnedStatus {
  enum class State : std::uint8_t {
    starting,  ///< it has not joined yet, or not registered everything
    running,
    waiting,  ///< it has ended and will be started again
    gave_up,  ///< it has ended too often; `fault` says how
    stopped,  ///< it was asked to end, or the engine was shut down
  };

  std::string name;  ///< of the function, or the module
  State state = State::starting;
  int pid = 0;                 ///< of the one that is there; 0: none
  std::uint64_t restarts = 0;  ///< starts after the first
  std::uint64_t agents = 0;    ///< of this engine that it can step in rounds
  std::string last_end{};      ///< how it ended last, such as "signal 9 (Killed)"
  std::optional<Error> fault{};
};

/// "starting", "running", "waiting", "gave_up" or "stopped".
std::string_view to_string(SpawnedStatus::State state) noexcept;

/// One process that an engine keeps alive. A copy is the same one. Thread-safe; may outlive the engine.
class SpawnedProcess {
public:
  class Kept;
  explicit SpawnedProcess(std::shared_ptr<Kept> kept) noexcept : kept_(std::move(kept)) {}

  SpawnedStatus status() const;
  /// Waits until it runs (again). Errors: timeout; why it was given up; closed when it was stopped.
  Status wait_until_running(std::chrono::milliseconds timeout = std::chrono::seconds{10}) const;
  /// Asks it to end, and kills it after the grace. Returns when it has ended; it is not started again.
  void stop();

private:
  std::shared_ptr<Kept> kept_;
};

/// What a spawned process does: registers processes and spawns agents in an engine that has joined.
using SpawnFunction = std::function<Status(Engine&)>;

/// Lets this program run as a process of its own engine, see Engine::spawn_process(): to be called at the top of
/// main(), before engines are built and anything else is done.
///
///   theus::Status members(theus::Engine& engine) { return engine.spawn_agents(34, member); }
///   int main() {
///     theus::serve_if_spawned({{"members", members}});
///     theus::Engine engine{{.attach = {.folder = ".theus"}}};
///     members(engine).value();
///     engine.spawn_process("members").value();
///
/// In the program itself it returns at once. In a spawned process, which runs the same program, it joins the engine
/// that started it, calls the function of that name (or loads the module), takes part in that engine's rounds, and ends
/// the process when it is asked to or that engine's process has ended: it never returns.
void serve_if_spawned(std::map<std::string, SpawnFunction> functions = {});

}  // namespace theus
