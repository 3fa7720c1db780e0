#include "runtime/workflow_parser.hpp"

#include "runtime/confined_file.hpp"
#include "runtime/workflow_analysis.hpp"
#include "runtime/workflow_step_parser.hpp"
#include "runtime/yaml/reader.hpp"

#include <algorithm>
#include <array>

namespace theus {
namespace {

using yaml::Field;
using yaml::FieldReader;
using yaml::Node;

constexpr std::int64_t operations_max = 1'000'000'000;
constexpr std::int64_t depth_max = 64;
constexpr std::chrono::milliseconds deadline_max = std::chrono::hours{720};

struct FormatName {
  std::string_view name;
  InputFormat format;
  std::string_view suffix;  // of files that need not state it
};

constexpr std::array format_names{
    FormatName{"csv", InputFormat::csv, ".csv"},       FormatName{"json", InputFormat::json, ".json"},
    FormatName{"jsonl", InputFormat::jsonl, ".jsonl"}, FormatName{"text", InputFormat::text, ".txt"},
    FormatName{"files", InputFormat::files, "*"},
};

std::optional<InputFormat> format_of(const Node& map, const std::string& from, FieldReader& reader) {
  if (const Field* stated = map.find("format")) {
    const auto found = std::ranges::find(format_names, stated->node.text, &FormatName::name);
    if (stated->node.is_scalar() && found != format_names.end())
      return found->format;
    reader.add(stated->node.at, "unknown format of an input", "Formats are csv, json, jsonl, text and files");
    return std::nullopt;
  }
  if (from.find('*') != std::string::npos)
    return InputFormat::files;
  for (const FormatName& each : format_names)
    if (from.ends_with(each.suffix))
      return each.format;
  reader.add(map.at, "the key 'format' is missing in an input", "Formats are csv, json, jsonl, text and files");
  return std::nullopt;
}

}  // namespace

WorkflowPlan WorkflowParser::run(std::string_view text, std::string_view file) {
  const std::filesystem::path path{file};
  plan_.name = path.stem().string();
  plan_.files.emplace_back(file);
  sources_.push_back({path.parent_path(), 0, {}});
  parse(text, 0);
  for (std::uint32_t at = 0; at < sources_.size(); ++at)
    follow_calls(at);
  connect_calls();
  plan_.main = sources_.front().block;
  find_cycles();
  if (findings_.empty())
    analyse(plan_, findings_);
  return std::move(plan_);
}

void WorkflowParser::parse(std::string_view text, std::uint32_t file) {
  FieldReader reader{plan_.files[file], findings_};
  auto root = yaml::read(text, {.file = plan_.files[file]});
  if (!root)
    return reader.add(root.error());
  const auto first_step = static_cast<StepId>(plan_.steps.size());
  header(*root, file, reader);
  for (StepId id = first_step; id < plan_.steps.size(); ++id)
    if (std::holds_alternative<CallStep>(plan_.steps[id].work))
      sources_[file].calls.push_back(id);
}

void WorkflowParser::header(const Node& root, std::uint32_t file, FieldReader& reader) {
  static const std::vector<std::string> keys{"name", "description", "limits", "inputs", "steps"};
  if (!reader.map(root, "a workflow", keys))
    return;
  const Field* name = root.find("name");
  const auto stated = name != nullptr ? reader.text(name->node, "the name of a workflow") : std::nullopt;
  if (stated && file == 0)
    plan_.name = *stated;
  if (const Field* found = root.find("limits"))
    limits(found->node, reader);
  if (const Field* found = root.find("inputs"))
    inputs(found->node, file, reader);
  if (const Node* steps = reader.required(root, "a workflow", "steps"))
    sources_[file].block = StepParser{plan_, file, reader}.block(*steps, "steps");
}

void WorkflowParser::limits(const Node& node, FieldReader& reader) {
  static const std::vector<std::string> keys{"max_ops", "max_depth", "deadline"};
  if (!reader.map(node, "limits", keys))
    return;
  WorkflowLimits stated;
  if (const Field* found = node.find("max_ops"))
    if (const auto count = reader.integer(found->node, "max_ops", 1, operations_max))
      stated.operations_max = static_cast<std::uint64_t>(*count);
  if (const Field* found = node.find("max_depth"))
    if (const auto count = reader.integer(found->node, "max_depth", 1, depth_max))
      stated.depth_max = static_cast<std::uint32_t>(*count);
  if (const Field* found = node.find("deadline"))
    stated.deadline = reader.duration(found->node, "deadline", deadline_max).value_or(stated.deadline);
  if (sources_.size() == 1)  // those of the file that is run
    plan_.limits = stated;
}

void WorkflowParser::inputs(const Node& node, std::uint32_t file, FieldReader& reader) {
  if (!node.is_map())
    return reader.add(node.at, "inputs is a map of names and their files, not " + std::string{describe(node)});
  for (const Field& member : node.members)
    input(member, file, reader);
}

void WorkflowParser::input(const Field& member, std::uint32_t file, FieldReader& reader) {
  static const std::vector<std::string> keys{"from", "into", "format"};
  const Node& node = member.node;
  if (!reader.map(node, "an input", keys))
    return;
  const Node* from_node = reader.required(node, "an input", "from");
  const Node* into_node = reader.required(node, "an input", "into");
  const auto from = from_node != nullptr ? reader.text(*from_node, "the file of an input") : std::nullopt;
  const auto into_text = into_node != nullptr ? reader.text(*into_node, "the path of an input") : std::nullopt;
  const auto into = into_text ? writable_path(*into_text, into_node->content_at, reader) : std::nullopt;
  const auto format = from ? format_of(node, *from, reader) : std::nullopt;
  if (!from || !into || !format)
    return;
  if (is_local(*into))
    return reader.add(into_node->at, "an input cannot be loaded into 'local'", "Load it into domain");
  for (const WorkflowInput& other : plan_.inputs) {
    if (other.name == member.key)
      return reader.add(member.at, "there are two inputs '" + member.key + "'",
                        "The other is in " + other.file + ':' + std::to_string(other.at.line));
    if (other.into.covers(*into) || into->covers(other.into))
      return reader.add(into_node->at,
                        "the inputs '" + other.name + "' and '" + member.key + "' are loaded into overlapping paths");
    if (other.from == "-" && *from == "-")
      return reader.add(from_node->at, "two inputs read the standard input");
  }
  plan_.inputs.push_back({member.key, *from, *into, *format, plan_.files[file], member.at, sources_[file].folder});
}

bool WorkflowParser::has_file(const std::string& name, std::uint32_t& index) const {
  index = static_cast<std::uint32_t>(std::ranges::find(plan_.files, name) - plan_.files.begin());
  return index < plan_.files.size();
}

void WorkflowParser::follow_calls(std::uint32_t file) {
  for (const StepId id : std::vector{sources_[file].calls}) {
    const TextPosition at = plan_.steps[id].at;
    const std::string written = std::get<CallStep>(plan_.steps[id].work).file;
    const std::filesystem::path folder = sources_[file].folder;
    const std::string name = (folder / written).lexically_normal().string();
    std::get<CallStep>(plan_.steps[id].work).file = name;
    std::uint32_t known = 0;
    if (has_file(name, known))
      continue;
    FieldReader reader{plan_.files[file], findings_};
    if (plan_.files.size() == Workflow::files_max)
      return reader.add(at, "the workflow calls more than " + std::to_string(Workflow::files_max) + " files");
    const auto text = read_beneath(folder, written, yaml::ReadOptions{}.bytes_max);
    if (!text) {
      reader.add(at, text.error().cause(), text.error().remedy());
      continue;
    }
    plan_.files.push_back(name);
    sources_.push_back({std::filesystem::path{name}.parent_path(), 0, {}});
    parse(*text, static_cast<std::uint32_t>(sources_.size() - 1));
  }
}

void WorkflowParser::connect_calls() {
  for (PlannedStep& step : plan_.steps) {
    auto* call = std::get_if<CallStep>(&step.work);
    std::uint32_t file = 0;
    if (call != nullptr && has_file(call->file, file))
      call->body = sources_[file].block;
  }
}

// Depth first over the files, with the chain of calls at hand when one closes it.
void WorkflowParser::find_cycles() {
  struct Visit {
    std::uint32_t file;
    std::size_t next_call = 0;
  };
  enum class Mark : std::uint8_t { unseen, open, done };
  std::vector<Mark> marks(sources_.size(), Mark::unseen);
  std::vector<Visit> chain{{0}};
  marks[0] = Mark::open;
  while (!chain.empty()) {
    Visit& visit = chain.back();
    const auto& calls = sources_[visit.file].calls;
    if (visit.next_call == calls.size()) {
      marks[visit.file] = Mark::done;
      chain.pop_back();
      continue;
    }
    const PlannedStep& step = plan_.steps[calls[visit.next_call++]];
    std::uint32_t callee = 0;
    if (!has_file(std::get<CallStep>(step.work).file, callee) || marks[callee] == Mark::done)
      continue;
    if (marks[callee] == Mark::unseen) {
      marks[callee] = Mark::open;
      chain.push_back({callee});
      continue;
    }
    std::string cycle;
    for (auto at = std::ranges::find(chain, callee, &Visit::file); at != chain.end(); ++at)
      cycle += plan_.files[at->file] + " -> ";
    findings_.add({plan_.files[step.file], step.at, "the workflow calls itself: " + cycle + plan_.files[callee],
                   "Repeat steps with `flux: while`"});
  }
}

}  // namespace theus
