#pragma once

#include <theus/value.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace theus {

/// Why a commit was asked for, with what else its body could see but for the state: enough to run it again.
struct Cause {
  // Numbers are stable: they stand in journals.
  enum class Kind : std::uint8_t {
    external = 0,      ///< a caller outside processes, of which no more is known
    process = 1,       ///< a call of the process `name`
    round = 2,         ///< a round of the agents that match `name`
    agent = 3,         ///< a run of the agent `name`, which acts on its own
    cohort = 4,        ///< a step of the cohort `name`
    workflow = 5,      ///< a step of the workflow `name` that sets values or emits
    initial = 6,       ///< the data that an engine begins with
    input = 7,         ///< the inputs of the workflow `name`
    migration = 8,     ///< a schema comes into force, with the migrations to it
    swap = 9,          ///< a compare_and_swap of the program
    transaction = 10,  ///< a transaction of the program
    edit = 11,         ///< a transaction of the program that has a reason, which the audit log holds
    attached = 12,     ///< a client that is attached to the engine
    last = attached,
  };

  Kind kind = Kind::external;
  std::string name{};
  /// Chooses the stream of random numbers: of the execution, of the agent's run; for a round the first execution.
  std::uint64_t number = 0;
  std::uint64_t attempt = 1;
  /// What ctx.now() said.
  std::chrono::system_clock::time_point time{};
  /// A hash over the declared contract of the process, agent or cohort, or over the names of a round's agents; 0: none.
  std::uint64_t contract = 0;
  /// Arguments of a call; for agents and rounds what runtime/agent_cause.hpp tells.
  Value arguments{};
  /// The joined process that asked for it, as the owner counts them; 0: the owner itself. Set by the owner alone.
  std::uint64_t origin = 0;

  friend bool operator==(const Cause&, const Cause&) = default;
};

/// "external", "process", ...
std::string_view to_string(Cause::Kind kind) noexcept;
/// "process 'restock'", "process 'restock' of the joined process 3"
std::string text_of(const Cause& cause);

/// The owner checks what a process that joined says of a cause of its own: kinds that only the owner can have, and
/// names beyond this, are refused.
inline constexpr std::size_t cause_name_bytes_max = 1024;
bool may_come_from_joined(const Cause& cause) noexcept;

}  // namespace theus
