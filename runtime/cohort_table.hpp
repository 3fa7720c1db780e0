#pragma once

// The columns of one cohort, and the step that is being tried on them.
//
// Invariants: (1) What a step writes goes to columns of its own, which begin as copies; they become the columns when
// the step is accepted, so a step that fails has changed nothing. (2) Simultaneous steps read the columns from before;
// sequential ones read what they write. Belongs to one thread at a time.

#include "runtime/contract.hpp"

#include <theus/cohort.hpp>

#include <memory>

namespace theus {

class CohortTable {
public:
  /// Refuses (bad_argument) what can never work, and what Contract::compile refuses.
  static Result<std::unique_ptr<CohortTable>> make(Cohort cohort, std::uint64_t seed,
                                                   std::shared_ptr<const AccessTable> access);

  const Contract& contract() const noexcept { return contract_; }
  const std::string& name() const noexcept { return cohort_.name; }
  /// Steps that were accepted.
  std::uint64_t steps() const noexcept { return steps_; }

  /// Tries a step; what another try before it wrote is dropped.
  void step(Context& context);
  /// Makes what the last try wrote the columns.
  void accept();

  /// The column. Refuses (bad_argument) an unknown name, with the nearest.
  Result<std::vector<double>> column(std::string_view name) const;

private:
  friend class CohortStep;

  struct Column {
    std::vector<double> values;
    std::vector<double> next;  // what the step has written; as many as values if is_written
    bool may_read = false;
    bool may_write = false;
  };

  CohortTable(Cohort cohort, Contract contract, std::uint64_t seed)
      : cohort_(std::move(cohort)), contract_(std::move(contract)), seed_(seed) {}

  Status prepare();
  std::ptrdiff_t find(std::string_view column) const noexcept;
  Error unknown(std::string_view column) const;
  /// The column if the step may use it so; throws ContractViolationError.
  Column& granted(std::string_view name, std::string_view right, bool Column::*licence);
  /// The order of the step; empty for that of the numbers.
  std::span<const std::uint32_t> ordered();

  const Cohort cohort_;
  const Contract contract_;
  const std::uint64_t seed_;
  std::vector<Column> columns_;  // in the order of their declaration
  std::vector<std::uint32_t> order_;
  std::uint64_t steps_ = 0;
};

}  // namespace theus
