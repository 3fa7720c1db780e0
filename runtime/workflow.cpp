#include <theus/workflow.hpp>

#include "runtime/confined_file.hpp"
#include "runtime/workflow_check.hpp"
#include "runtime/workflow_parser.hpp"
#include "runtime/yaml/reader.hpp"

#include <algorithm>

namespace theus {

Result<Workflow> Workflow::parse(std::string_view text, std::string_view file, const Catalogue* catalogue) {
  Findings findings;
  auto plan = std::make_shared<const WorkflowPlan>(WorkflowParser{findings}.run(text, file));
  if (catalogue != nullptr)
    check_names(*plan, *catalogue, findings);
  if (!findings.empty())
    return findings.error(Errc::bad_workflow);
  return Workflow{std::move(plan)};
}

Result<Workflow> Workflow::load(const std::filesystem::path& file, const Catalogue* catalogue) {
  const auto text = read_file(file, yaml::ReadOptions{}.bytes_max);
  if (!text)
    return error_of(Errc::bad_workflow, {file.string(), {}, text.error().cause(), text.error().remedy()});
  return parse(*text, file.string(), catalogue);
}

Status Workflow::check(const Catalogue& catalogue) const {
  Findings findings;
  check_names(*plan_, catalogue, findings);
  return findings.status(Errc::bad_workflow);
}

const std::string& Workflow::name() const noexcept { return plan_->name; }
const std::string& Workflow::file() const noexcept { return plan_->files.front(); }
const WorkflowLimits& Workflow::limits() const noexcept { return plan_->limits; }
std::span<const WorkflowInput> Workflow::inputs() const noexcept { return plan_->inputs; }

std::vector<std::string> Workflow::processes() const {
  std::vector<std::string> names;
  for (const PlannedStep& step : plan_->steps)
    if (const auto* work = std::get_if<ProcessStep>(&step.work))
      names.push_back(work->process);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

}  // namespace theus
