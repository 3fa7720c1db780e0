#include "runtime/cohort_table.hpp"

#include <theus/errors.hpp>
#include <theus/nearest.hpp>

#include <algorithm>
#include <numeric>

namespace theus {
namespace {

// Apart from all agents: a cohort of the name of an agent shall not draw its numbers.
constexpr std::uint64_t cohort_streams = 0x636f686f72740000ULL;

Error misdeclared(const Cohort& cohort, std::string cause, std::string remedy) {
  return Error{Errc::bad_argument, "cohort '" + cohort.name + "'", std::move(cause), std::move(remedy)};
}

Status check_bounds(const Cohort& cohort) {
  if (cohort.name.empty() || !cohort.step)
    return misdeclared(cohort, "a cohort needs a name and a step", "Set both");
  if (cohort.agents == 0 || cohort.agents > Cohort::agents_max)
    return misdeclared(cohort, std::to_string(cohort.agents) + " agents",
                       "Have 1 to " + std::to_string(Cohort::agents_max) + " of them, or several cohorts");
  if (cohort.columns.empty() || cohort.columns.size() > Cohort::columns_max)
    return misdeclared(cohort, std::to_string(cohort.columns.size()) + " columns",
                       "Declare 1 to " + std::to_string(Cohort::columns_max));
  return {};
}

}  // namespace

Result<std::unique_ptr<CohortTable>> CohortTable::make(Cohort cohort, std::uint64_t seed,
                                                       std::shared_ptr<const AccessTable> access) {
  if (auto bounded = check_bounds(cohort); !bounded)
    return bounded.error();
  auto contract =
      Contract::compile(cohort.name, cohort.inputs, cohort.outputs, Semantic::effect, {}, std::move(access));
  if (!contract)
    return contract.error();
  std::unique_ptr<CohortTable> table{new CohortTable{std::move(cohort), *std::move(contract), seed}};
  if (auto ready = table->prepare(); !ready)
    return ready.error();
  return table;
}

Status CohortTable::prepare() {
  columns_.resize(cohort_.columns.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const CohortColumn& declared = cohort_.columns[i];
    if (declared.name.empty() || find(declared.name) != static_cast<std::ptrdiff_t>(i))
      return misdeclared(cohort_, "a column '" + declared.name + "' is declared twice, or has no name",
                         "Name each column once");
    columns_[i].values.resize(cohort_.agents);
    if (declared.initial)
      for (std::size_t agent = 0; agent < cohort_.agents; ++agent)
        columns_[i].values[agent] = declared.initial(agent);
  }
  const auto grant = [this](const std::vector<std::string>& names, bool Column::*licence) -> Status {
    for (const std::string& name : names) {
      const auto at = find(name);
      if (at < 0)
        return unknown(name);
      columns_[static_cast<std::size_t>(at)].*licence = true;
      columns_[static_cast<std::size_t>(at)].may_read = true;
    }
    return {};
  };
  if (auto granted = grant(cohort_.reads, &Column::may_read); !granted)
    return granted;
  if (auto granted = grant(cohort_.writes, &Column::may_write); !granted)
    return granted;
  const bool by_priority = cohort_.activation == Activation::by_priority;
  if (by_priority != !cohort_.priority.empty())
    return misdeclared(cohort_, "a priority goes with the activation by_priority, and only with it", "Set both");
  if (by_priority && find(cohort_.priority) < 0)
    return unknown(cohort_.priority);
  return {};
}

void CohortTable::step(Context& context) {
  for (Column& column : columns_)
    if (column.may_write)
      column.next = column.values;
  CohortStep step{*this, context, seed_};
  cohort_.step(step);
}

void CohortTable::accept() {
  ++steps_;
  for (Column& column : columns_)
    if (column.may_write)
      std::swap(column.values, column.next);
}

Result<std::vector<double>> CohortTable::column(std::string_view name) const {
  const auto at = find(name);
  if (at < 0)
    return unknown(name);
  return columns_[static_cast<std::size_t>(at)].values;
}

std::ptrdiff_t CohortTable::find(std::string_view column) const noexcept {
  const auto found = std::ranges::find(cohort_.columns, column, &CohortColumn::name);
  return found == cohort_.columns.end() ? -1 : found - cohort_.columns.begin();
}

Error CohortTable::unknown(std::string_view column) const {
  std::vector<std::string> known;
  for (const CohortColumn& each : cohort_.columns)
    known.push_back(each.name);
  return misdeclared(cohort_, "it has no column '" + std::string{column} + "'", suggest(column, known));
}

CohortTable::Column& CohortTable::granted(std::string_view name, std::string_view right, bool Column::*licence) {
  const auto at = find(name);
  if (at < 0 || !(columns_[static_cast<std::size_t>(at)].*licence))
    raise(Error{Errc::contract_violation, "cohort '" + cohort_.name + "', column '" + std::string{name} + "'",
                at < 0 ? "there is no such column" : "it is not declared for the step to " + std::string{right},
                at < 0 ? unknown(name).remedy() : "Declare it in Cohort::" + std::string{right} + "s"}
              .with("process", cohort_.name)
              .with("path", name)
              .with("right", right)
              .with("rule", right == "read" ? "illegal_read" : "illegal_write"));
  return columns_[static_cast<std::size_t>(at)];
}

std::span<const std::uint32_t> CohortTable::ordered() {
  if (cohort_.activation == Activation::simultaneous)
    return {};
  order_.resize(cohort_.agents);
  std::iota(order_.begin(), order_.end(), 0U);
  if (cohort_.activation == Activation::by_priority) {
    const std::vector<double>& priority = columns_[static_cast<std::size_t>(find(cohort_.priority))].values;
    std::ranges::stable_sort(order_, std::ranges::greater{}, [&](std::uint32_t agent) { return priority[agent]; });
    return order_;
  }
  // Fisher and Yates, with one stream for each step.
  RandomStream random{seed_ ^ cohort_streams, key_hash(cohort_.name) + steps_};
  for (std::size_t left = order_.size(); left > 1; --left)
    std::swap(order_[left - 1],
              order_[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(left) - 1))]);
  return order_;
}

CohortStep::CohortStep(CohortTable& table, Context& context, std::uint64_t seed)
    : table_(table),
      context_(context),
      seed_(seed),
      number_(table.steps() + 1),
      agents_(table.cohort_.agents),
      order_(table.ordered()) {}

std::span<const double> CohortStep::read(std::string_view column) const {
  const auto& granted = table_.granted(column, "read", &CohortTable::Column::may_read);
  const bool sees_writes = granted.may_write && table_.cohort_.activation != Activation::simultaneous;
  return sees_writes ? granted.next : granted.values;
}

std::span<double> CohortStep::write(std::string_view column) const {
  return table_.granted(column, "write", &CohortTable::Column::may_write).next;
}

RandomStream CohortStep::random(std::size_t agent) const noexcept {
  // The agent's number takes the upper half, so that steps and agents do not meet.
  return {seed_ ^ cohort_streams ^ key_hash(table_.cohort_.name), (std::uint64_t{agent} << 36) + number_};
}

}  // namespace theus
