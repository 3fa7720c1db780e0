#pragma once

#include "actors/protocol.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/manual_clock.hpp"

#include <optional>

namespace theus::testing {

/// The actors of an engine on a deterministic system: nothing runs until settle(), and the seed draws the order.
class EngineStage {
public:
  explicit EngineStage(std::uint64_t seed = 0, actors::Core::Terms terms = {})
      : core_(std::make_shared<actors::Core>(std::move(terms), std::make_unique<ManualClock>(passed_))), system_(seed) {
    owner_ = actors::spawn_state_owner(system_.system(), core_);
  }
  ~EngineStage() {
    caf::anon_send_exit(owner_, caf::exit_reason::user_shutdown);
    owner_ = nullptr;
    settle();
  }
  EngineStage(const EngineStage&) = delete;
  EngineStage& operator=(const EngineStage&) = delete;

  actors::CorePtr core() { return core_; }
  actors::StateOwner owner() { return owner_; }
  caf::actor_system& system() { return system_.system(); }
  void settle() { system_.settle(); }
  /// As far as so many steps lead.
  void run(std::size_t steps) {
    while (steps-- > 0 && system_.step()) {
    }
  }
  /// Time passes in small steps, so that what one step triggers can be due in a later one.
  void advance(std::chrono::nanoseconds time) {
    constexpr int steps = 50;
    settle();
    for (int i = 0; i < steps; ++i) {
      *passed_ += time / steps;
      system_.advance(time / steps);
    }
  }
  /// Time passes without anybody being told, as it does while a body runs.
  void pass(std::chrono::nanoseconds time) { *passed_ += time; }

  Value read(const Path& path) { return core_->turn.snapshot().find(path).value_or(Value{}); }
  void set(const Path& path, Value value) {
    const Write write{path, std::move(value)};
    core_->turn.commit({core_->turn.version(), false, {}, std::span{&write, 1}, {}}).value();
  }

  /// Starts a process; its result stands in the returned place once it is there.
  std::shared_ptr<std::optional<Result<Executed>>> start(Process process, Value arguments = Value::map()) {
    auto registered = std::make_shared<actors::RegisteredProcess>();
    registered->contract = std::make_shared<const Contract>(
        Contract::compile(process.name, process.inputs, process.outputs, process.semantic).value());
    registered->definition = std::move(process);
    auto result = std::make_shared<std::optional<Result<Executed>>>();
    const Clock& clock = *core_->clock;
    auto call = std::make_shared<actors::Call>(registered, std::move(arguments), clock,
                                               clock.now() + registered->definition.timeout, ++calls_,
                                               [result](Result<Executed> answer) { *result = std::move(answer); });
    actors::spawn_process(system_.system(), core_, owner_, call);
    return result;
  }

private:
  std::shared_ptr<std::chrono::nanoseconds> passed_ = std::make_shared<std::chrono::nanoseconds>(0);
  actors::CorePtr core_;
  DeterministicSystem system_;
  actors::StateOwner owner_;
  std::uint64_t calls_ = 0;
};

}  // namespace theus::testing
