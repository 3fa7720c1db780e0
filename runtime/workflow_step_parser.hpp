#pragma once

#include "runtime/workflow_plan.hpp"
#include "runtime/yaml/field_reader.hpp"

#include <optional>
#include <string_view>

namespace theus {

/// Compiles the steps of one file into a plan. What is wrong goes to the findings, and the plan is then unfit to run.
class StepParser {
public:
  StepParser(WorkflowPlan& plan, std::uint32_t file, yaml::FieldReader& reader) noexcept
      : plan_(plan), file_(file), reader_(reader) {}

  /// The block of a list of steps.
  BlockId block(const yaml::Node& node, std::string_view what);

private:
  using Work = std::optional<StepWork>;
  struct Form;  // the keys of one kind of step, and its function below
  static const std::vector<Form>& forms();

  void step(const yaml::Node& node, std::vector<StepId>& block);
  const Form* form_of(const yaml::Node& node);
  std::string label_of(const yaml::Node& node, std::string fallback);

  Work process(const yaml::Node& node);
  Work if_else(const yaml::Node& node);
  Work while_loop(const yaml::Node& node);
  Work run(const yaml::Node& node);
  Work set(const yaml::Node& node);
  Work emit(const yaml::Node& node);
  Work round(const yaml::Node& node);
  Work call(const yaml::Node& node);

  std::optional<Expression> condition(const yaml::Node& node);
  void arguments(const yaml::Node& node, ProcessStep& step);
  void retry(const yaml::Node& node, ProcessStep& step);
  void assignment(const yaml::Field& member, SetStep& step);

  WorkflowPlan& plan_;
  const std::uint32_t file_;
  yaml::FieldReader& reader_;
};

/// The path that a workflow file writes to, or nothing after a finding: it must be in a zone that a workflow may set.
std::optional<Path> writable_path(std::string_view text, TextPosition at, yaml::FieldReader& reader);

}  // namespace theus
