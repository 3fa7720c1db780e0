#pragma once

#include "tests/support/history.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace theus::testing {

/// Why a history cannot be: the rule, the operation in question, and the reason in words.
struct Violation {
  enum class Rule : std::uint8_t {
    gap,             ///< a version is witnessed that no swap made
    double_version,  ///< two swaps made one version
    stale_success,   ///< a swap succeeded although something it depends on had changed after its base
    wrong_value,     ///< a read saw what its version does not hold
    no_cause,        ///< a mismatch names a change that was none, or no longer the newest
    order,           ///< an answer is older than what somebody knew before the call
    no_effect,       ///< a swap claims a version of its own but changes nothing, or the other way round
    undecided,       ///< too many ways to place the unanswered swaps
  };

  Rule rule;
  std::size_t operation;
  std::string text;
};

std::string_view to_string(Violation::Rule rule) noexcept;

/// The first violation, or nothing when the history is linearizable: some order of the operations, in which each takes
/// effect once between its call and its answer (the unanswered ones once after their call, or never), explains every
/// answer by the rules
///   - a read sees exactly the state at its version, which is the newest;
///   - a swap succeeds when nothing at or below the paths it reads, sets or erases changed after its base; it makes the
///     next version, or, when it changes nothing, gives the newest;
///   - a mismatch names a path of the swap and the newest version that changed it, which is after its base. For a path
///     where nothing stands that may also be a version that erased something of its parents.
/// Takes time linear in the history, and memory of some 20 bytes per operation.
std::optional<Violation> find_violation(const History& history);

}  // namespace theus::testing
