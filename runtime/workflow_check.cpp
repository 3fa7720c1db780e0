#include "runtime/workflow_check.hpp"

#include <theus/nearest.hpp>
#include "runtime/name_pattern.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace theus {
namespace {

constexpr std::array<std::string_view, 8> layers{"domain", "global", "local", "heavy", "signal", "cmd", "meta", "log"};

class NameCheck {
public:
  NameCheck(const WorkflowPlan& plan, const Catalogue& catalogue, Findings& findings)
      : plan_(plan),
        findings_(findings),
        processes_(catalogue.processes()),
        agents_(catalogue.agents()),
        roots_(catalogue.roots()) {
    for (const Catalogue::ProcessEntry& entry : processes_) {
      process_names_.push_back(entry.name);
      by_name_.emplace(entry.name, &entry);
    }
    roots_.insert(roots_.end(), layers.begin(), layers.end());
    for (const WorkflowInput& input : plan.inputs)
      roots_.emplace_back(root_of(input.into));
    for (const PlannedStep& step : plan.steps)
      if (const auto* work = std::get_if<SetStep>(&step.work))
        for (const auto& [path, value] : work->values)
          roots_.emplace_back(root_of(path));
    std::ranges::sort(roots_);
    roots_.erase(std::ranges::unique(roots_).begin(), roots_.end());
  }

  void run() {
    for (const PlannedStep& step : plan_.steps) {
      if (const auto* work = std::get_if<ProcessStep>(&step.work))
        check_process(step, *work);
      if (const auto* work = std::get_if<RoundStep>(&step.work))
        check_agents(step, *work);
      for_each_expression(step.work, [&](const Expression& expression) { check_roots(step, expression); });
    }
  }

private:
  static std::string_view root_of(const Path& path) { return path.segments().front().key; }

  void check_process(const PlannedStep& step, const ProcessStep& work) {
    const auto entry = by_name_.find(work.process);
    if (entry == by_name_.end())
      return add(step, step.at, "unknown process '" + work.process + "'", suggest(work.process, process_names_));
    const auto& known = entry->second->arguments;
    if (!known)
      return;
    for (const auto& [name, at] : work.argument_names)
      if (std::ranges::find(*known, name) == known->end())
        add(step, at, "the process '" + work.process + "' has no argument '" + name + "'",
            known->empty() ? "It takes none" : suggest(name, *known));
  }

  void check_agents(const PlannedStep& step, const RoundStep& work) {
    const NamePattern pattern{work.agents};
    if (agents_ && std::ranges::none_of(*agents_, [&](const std::string& name) { return pattern.matches(name); }))
      add(step, step.at, "no agent matches '" + work.agents + "'", suggest(work.agents, *agents_));
  }

  void check_roots(const PlannedStep& step, const Expression& expression) {
    for (const Path& path : expression.paths()) {
      if (path.zone() == Zone::internal)
        add(step, expression.position(), "a workflow cannot read " + path.text() + ", which is in the private zone",
            "Let a process with the side effect 'admin' read it");
      const std::string_view root = root_of(path);
      if (std::ranges::binary_search(roots_, root, std::ranges::less{},
                                     [](const std::string& each) { return std::string_view{each}; }))
        continue;
      if (Path{}.key(root).zone() == Zone::data)
        add(step, expression.position(),
            "the path " + path.text() + " begins with the unknown name '" + std::string{root} + "'",
            suggest(root, roots_));
    }
  }

  void add(const PlannedStep& step, TextPosition at, std::string cause, std::string suggestion) {
    findings_.add({plan_.files[step.file], at, std::move(cause), std::move(suggestion)});
  }

  const WorkflowPlan& plan_;
  Findings& findings_;
  const std::vector<Catalogue::ProcessEntry> processes_;
  const std::optional<std::vector<std::string>> agents_;
  std::vector<std::string> roots_;
  std::vector<std::string> process_names_;
  std::map<std::string_view, const Catalogue::ProcessEntry*> by_name_;
};

}  // namespace

void check_names(const WorkflowPlan& plan, const Catalogue& catalogue, Findings& findings) {
  NameCheck{plan, catalogue, findings}.run();
}

}  // namespace theus
