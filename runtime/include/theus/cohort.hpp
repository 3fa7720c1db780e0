#pragma once

#include <theus/context.hpp>
#include <theus/random.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// In which order the agents of a cohort act, and what they see of each other.
/// simultaneous: everybody reads the values from before the step.
/// random_sequential: one after the other, in an order drawn anew for each step; who comes later sees what was written.
/// by_priority: as before, but those with the greatest value in a column first; of equals, the one of lower number.
enum class Activation : std::uint8_t { simultaneous, random_sequential, by_priority };

struct CohortColumn {
  std::string name;
  /// The value an agent starts with, by its number; nothing: 0.
  std::function<double(std::size_t agent)> initial{};
};

class CohortStep;

/// Many light agents held in columns of numbers, which one actor steps: for millions, where an Agent each is for
/// thousands. The columns belong to the cohort; what others should see of them, its step writes into the state.
struct Cohort {
  std::string name;
  std::size_t agents = 0;
  std::vector<CohortColumn> columns{};
  /// The columns that a step may read, and those that it may change (and then read as well).
  std::vector<std::string> reads{};
  std::vector<std::string> writes{};
  Activation activation = Activation::simultaneous;
  /// by_priority: the column that decides, as it stands before the step.
  std::string priority{};
  /// The paths of the state that a step may read and write through its Context, as for an Agent.
  std::vector<std::string> inputs{};
  std::vector<std::string> outputs{};
  /// Steps all agents once. It runs again after a conflict in the state, on the same columns; when it throws or breaks
  /// a rule, neither columns nor state change.
  std::function<void(CohortStep&)> step{};

  static constexpr std::size_t agents_max = std::size_t{1} << 24;
  static constexpr std::size_t columns_max = 256;
};

/// One step of a cohort. Belongs to its function and its thread, and ends with it.
///
/// ```
/// [](CohortStep& step) {
///   const auto x = step.read("x");
///   const auto next = step.write("x");
///   step.each([&](std::size_t i) { next[i] = x[i] + 1; });
///   step.context().set("domain.first", next[0]);
/// }
/// ```
class CohortStep {
public:
  /// The column, one number per agent. Throws ContractViolationError when it is not declared.
  std::span<const double> read(std::string_view column) const;
  /// The column to write into; agents that are not written keep their value. Throws as read().
  std::span<double> write(std::string_view column) const;

  /// Calls act(agent) for every agent, in the order of activation.
  template <class Act>
  void each(Act&& act) const {
    if (order_.empty())
      for (std::size_t agent = 0; agent < agents_; ++agent)
        act(agent);
    else
      for (const std::uint32_t agent : order_)
        act(std::size_t{agent});
  }

  std::size_t agents() const noexcept { return agents_; }
  /// From 1; that of the last step that was committed plus one.
  std::uint64_t number() const noexcept { return number_; }
  /// The agent's own numbers of this step: a function of EngineOptions::seed, the cohort's name, the step and the
  /// agent.
  RandomStream random(std::size_t agent) const noexcept;
  /// The declared paths of the state; all that is written here is one commit.
  Context& context() const noexcept { return context_; }

private:
  friend class CohortTable;
  CohortStep(class CohortTable& table, Context& context, std::uint64_t seed);

  CohortTable& table_;
  Context& context_;
  const std::uint64_t seed_;
  const std::uint64_t number_;
  const std::size_t agents_;
  std::span<const std::uint32_t> order_;  // empty: by number
};

/// What a step of a cohort did.
struct CohortReport {
  std::uint64_t step = 0;     ///< its number
  std::uint64_t version = 0;  ///< of its commit; of its snapshot when it wrote nothing into the state
};

}  // namespace theus
