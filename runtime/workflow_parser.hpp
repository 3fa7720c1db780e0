#pragma once

#include "runtime/findings.hpp"
#include "runtime/workflow_plan.hpp"
#include "runtime/yaml/field_reader.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// Compiles a workflow file and the files it calls into one plan. Each file is read once, however often it is called.
class WorkflowParser {
public:
  explicit WorkflowParser(Findings& findings) : findings_(findings) {}

  /// The plan, which is fit to run only while there are no findings.
  WorkflowPlan run(std::string_view text, std::string_view file);

private:
  // A file that was read, and where the plan has its steps.
  struct Source {
    std::filesystem::path folder;
    BlockId block = 0;
    std::vector<StepId> calls;
  };

  void parse(std::string_view text, std::uint32_t file);
  void header(const yaml::Node& root, std::uint32_t file, yaml::FieldReader& reader);
  void limits(const yaml::Node& node, yaml::FieldReader& reader);
  void inputs(const yaml::Node& node, std::uint32_t file, yaml::FieldReader& reader);
  void input(const yaml::Field& member, std::uint32_t file, yaml::FieldReader& reader);
  void follow_calls(std::uint32_t file);
  bool has_file(const std::string& name, std::uint32_t& index) const;
  void connect_calls();
  void find_cycles();

  Findings& findings_;
  WorkflowPlan plan_;
  std::vector<Source> sources_;  // as plan_.files
};

}  // namespace theus
