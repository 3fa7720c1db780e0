#include "runtime/workflow_step_parser.hpp"

#include <theus/nearest.hpp>

#include <algorithm>
#include <array>

namespace theus {
namespace {

using yaml::Field;
using yaml::Node;

constexpr std::int64_t attempts_max = 100;
constexpr std::int64_t rounds_max = 1'000'000;
constexpr std::chrono::milliseconds backoff_max = std::chrono::hours{1};
constexpr std::chrono::milliseconds backoff_usual{50};
constexpr std::chrono::milliseconds timeout_max = std::chrono::hours{24};

struct ZoneRefusal {
  Zone zone;
  std::string_view suggestion;
};

constexpr std::array zone_refusals{
    ZoneRefusal{Zone::signal, "Send signals with `flux: emit`"},
    ZoneRefusal{Zone::log, "Logs are appended to by processes"},
    ZoneRefusal{Zone::constant, "Constants are set when the engine is built"},
    ZoneRefusal{Zone::internal, "Private data belongs to processes with elevation"},
};

const std::string* text_of(const Node& map, std::string_view key) {
  const Field* member = map.find(key);
  return member != nullptr && member->node.is_scalar() ? &member->node.text : nullptr;
}

}  // namespace

struct StepParser::Form {
  std::string_view head;  // the key that tells the form
  std::string_view flux;  // and its value, when the key is `flux`
  std::vector<std::string> keys;
  Work (StepParser::*parse)(const Node&);
};

const std::vector<StepParser::Form>& StepParser::forms() {
  static const std::vector<Form> all{
      {"process", "", {"process", "name", "args", "retry", "timeout"}, &StepParser::process},
      {"flux", "if", {"flux", "name", "condition", "then", "else"}, &StepParser::if_else},
      {"flux", "while", {"flux", "name", "condition", "do"}, &StepParser::while_loop},
      {"flux", "run", {"flux", "name", "steps"}, &StepParser::run},
      {"flux", "set", {"flux", "name", "values"}, &StepParser::set},
      {"flux", "emit", {"flux", "name", "signal", "payload"}, &StepParser::emit},
      {"flux", "call", {"flux", "name", "workflow"}, &StepParser::call},
      {"round", "", {"round", "name"}, &StepParser::round},
      {"call", "", {"call", "name"}, &StepParser::call},
  };
  return all;
}

BlockId StepParser::block(const Node& node, std::string_view what) {
  std::vector<StepId> steps;
  if (reader_.list(node, what))
    for (const Node& item : node.items)
      step(item, steps);
  plan_.blocks.push_back(std::move(steps));
  return static_cast<BlockId>(plan_.blocks.size() - 1);
}

void StepParser::step(const Node& node, std::vector<StepId>& block) {
  const auto append = [&](std::string label, StepWork work) {
    block.push_back(static_cast<StepId>(plan_.steps.size()));
    plan_.steps.push_back({std::move(label), file_, node.at, std::move(work)});
  };
  if (node.is_scalar()) {
    if (auto name = reader_.text(node, "the name of a process"))
      append(*name, ProcessStep{.process = *name});
    return;
  }
  const Form* form = form_of(node);
  if (form == nullptr)
    return;
  reader_.map(
      node,
      form->flux.empty() ? "a step with '" + std::string{form->head} + "'" : "`flux: " + std::string{form->flux} + "`",
      form->keys);
  if (Work work = (this->*form->parse)(node)) {
    const std::string* subject = text_of(node, form->head);
    append(label_of(node, subject != nullptr ? *subject : std::string{form->head}), *std::move(work));
  }
}

const StepParser::Form* StepParser::form_of(const Node& node) {
  if (!node.is_map()) {
    reader_.add(node.at, "a step is the name of a process or a map, not " + std::string{describe(node)});
    return nullptr;
  }
  static const std::vector<std::string> heads{"process", "flux", "round", "call"};
  const Field* head = nullptr;
  for (const Field& member : node.members) {
    if (std::ranges::find(heads, member.key) == heads.end())
      continue;
    if (head != nullptr) {
      reader_.add(member.at, "a step has both '" + head->key + "' and '" + member.key + "'", "Make two steps of it");
      return nullptr;
    }
    head = &member;
  }
  if (head == nullptr) {
    const std::string key = node.members.empty() ? std::string{} : node.members.front().key;
    reader_.add(node.at, "a step has none of the keys process, flux, round and call",
                nearest(key, heads).empty() ? "" : suggest(key, heads));
    return nullptr;
  }
  std::vector<std::string> kinds;
  for (const Form& form : forms()) {
    if (form.head == head->key && (form.flux.empty() || (head->node.is_scalar() && form.flux == head->node.text)))
      return &form;
    if (!form.flux.empty())
      kinds.emplace_back(form.flux);
  }
  if (const auto name = reader_.text(head->node, "the kind of a flux step"))
    reader_.add(head->node.at, "unknown kind of step `flux: " + *name + "`", suggest(*name, kinds));
  return nullptr;
}

std::string StepParser::label_of(const Node& node, std::string fallback) {
  const Field* name = node.find("name");
  if (name == nullptr)
    return fallback;
  return reader_.text(name->node, "the name of a step").value_or(std::move(fallback));
}

StepParser::Work StepParser::process(const Node& node) {
  ProcessStep step;
  const auto name = reader_.text(node.find("process")->node, "the name of a process");
  if (const Field* args = node.find("args"))
    arguments(args->node, step);
  if (const Field* options = node.find("retry"))
    retry(options->node, step);
  if (const Field* timeout = node.find("timeout"))
    step.timeout = reader_.duration(timeout->node, "timeout", timeout_max);
  if (!name)
    return std::nullopt;
  step.process = *name;
  return step;
}

void StepParser::arguments(const Node& node, ProcessStep& step) {
  if (!node.is_map()) {
    reader_.add(node.at, "args is a map of argument names and values, not " + std::string{describe(node)});
    return;
  }
  for (const Field& member : node.members)
    step.argument_names.emplace_back(member.key, member.at);
  if (auto values = ValueTemplate::compile(node, reader_))
    step.arguments = *std::move(values);
}

void StepParser::retry(const Node& node, ProcessStep& step) {
  static const std::vector<std::string> keys{"attempts", "backoff"};
  if (!reader_.map(node, "retry", keys))
    return;
  step.backoff = backoff_usual;
  if (const Node* attempts = reader_.required(node, "retry", "attempts"))
    if (const auto count = reader_.integer(*attempts, "attempts", 1, attempts_max))
      step.attempts = static_cast<std::uint32_t>(*count);
  if (const Field* backoff = node.find("backoff"))
    step.backoff = reader_.duration(backoff->node, "backoff", backoff_max).value_or(backoff_usual);
}

std::optional<Expression> StepParser::condition(const Node& node) {
  const Node* condition = reader_.required(node, "the step", "condition");
  if (condition == nullptr)
    return std::nullopt;
  if (!condition->is_scalar() || condition->text.empty()) {
    reader_.add(condition->at, "a condition is an expression, not " + std::string{describe(*condition)},
                "Write it as a text, as in condition: domain.count > 10");
    return std::nullopt;
  }
  std::string_view source = condition->text;
  TextPosition at = condition->content_at;
  if (source.starts_with("${") && interpolation_end(source, 2) == source.size() - 1) {
    source = source.substr(2, source.size() - 3);
    at.column += 2;
  }
  auto expression = Expression::compile(source, at);
  if (expression)
    return *std::move(expression);
  reader_.add(expression.error());
  return std::nullopt;
}

StepParser::Work StepParser::if_else(const Node& node) {
  auto test = condition(node);
  const Node* then_steps = reader_.required(node, "`flux: if`", "then");
  const Field* else_steps = node.find("else");
  const BlockId then_block = then_steps != nullptr ? block(*then_steps, "then") : 0;
  BlockId else_block = 0;
  if (else_steps != nullptr) {
    else_block = block(else_steps->node, "else");
  } else {
    plan_.blocks.emplace_back();
    else_block = static_cast<BlockId>(plan_.blocks.size() - 1);
  }
  return test && then_steps != nullptr ? Work{IfStep{*std::move(test), then_block, else_block}} : std::nullopt;
}

StepParser::Work StepParser::while_loop(const Node& node) {
  auto test = condition(node);
  const Node* steps = reader_.required(node, "`flux: while`", "do");
  const BlockId body = steps != nullptr ? block(*steps, "do") : 0;
  return test && steps != nullptr ? Work{WhileStep{*std::move(test), body}} : std::nullopt;
}

StepParser::Work StepParser::run(const Node& node) {
  const Node* steps = reader_.required(node, "`flux: run`", "steps");
  return steps != nullptr ? Work{RunStep{block(*steps, "steps")}} : std::nullopt;
}

StepParser::Work StepParser::set(const Node& node) {
  const Node* values = reader_.required(node, "`flux: set`", "values");
  if (values == nullptr)
    return std::nullopt;
  if (!values->is_map() || values->members.empty()) {
    reader_.add(values->at, "values is a map of paths and values, not " +
                                std::string{values->is_map() ? "an empty one" : describe(*values)});
    return std::nullopt;
  }
  SetStep step;
  for (const Field& member : values->members)
    assignment(member, step);
  return step.values.size() == values->members.size() ? Work{std::move(step)} : std::nullopt;
}

void StepParser::assignment(const Field& member, SetStep& step) {
  const auto path = writable_path(member.key, member.at, reader_);
  auto value = ValueTemplate::compile(member.node, reader_);
  if (!path || !value)
    return;
  for (const auto& [other, unused] : step.values)
    if (other.covers(*path) || path->covers(other))
      return reader_.add(member.at, "the paths " + other.text() + " and " + path->text() + " overlap in one step",
                         "Set them in two steps");
  step.values.emplace_back(*path, *std::move(value));
}

StepParser::Work StepParser::emit(const Node& node) {
  const Node* signal = reader_.required(node, "`flux: emit`", "signal");
  const auto name = signal != nullptr ? reader_.text(*signal, "the name of a signal") : std::nullopt;
  if (name && name->size() > Path::key_bytes_max)
    reader_.add(signal->at, "the name of a signal has at most 255 bytes");
  const Field* payload = node.find("payload");
  auto value = payload != nullptr ? ValueTemplate::compile(payload->node, reader_) : ValueTemplate{};
  return name && value ? Work{EmitStep{*name, *std::move(value)}} : std::nullopt;
}

StepParser::Work StepParser::round(const Node& node) {
  static const std::vector<std::string> keys{"agents", "times"};
  const Node& options = node.find("round")->node;
  if (!reader_.map(options, "round", keys))
    return std::nullopt;
  RoundStep step;
  const Node* agents = reader_.required(options, "round", "agents");
  const auto pattern = agents != nullptr ? reader_.text(*agents, "the pattern of agents") : std::nullopt;
  if (const Field* times = options.find("times"))
    step.times = static_cast<std::uint32_t>(reader_.integer(times->node, "times", 1, rounds_max).value_or(1));
  if (!pattern)
    return std::nullopt;
  step.agents = *pattern;
  return step;
}

StepParser::Work StepParser::call(const Node& node) {
  const Field* short_form = node.find("call");
  const Node* file = short_form != nullptr ? &short_form->node : reader_.required(node, "`flux: call`", "workflow");
  const auto name = file != nullptr ? reader_.text(*file, "the file of a call") : std::nullopt;
  return name ? Work{CallStep{*name}} : std::nullopt;
}

std::optional<Path> writable_path(std::string_view text, TextPosition at, yaml::FieldReader& reader) {
  const auto path = Path::parse(text);
  if (!path) {
    reader.add(at, path.error().cause(), path.error().remedy());
    return std::nullopt;
  }
  if (path->is_root() || path->segments().front().is_index()) {
    reader.add(at, "the path '" + std::string{text} + "' does not begin with a name", "Write it as domain.x");
    return std::nullopt;
  }
  const auto refusal = std::ranges::find(zone_refusals, path->zone(), &ZoneRefusal::zone);
  if (refusal == zone_refusals.end())
    return *path;
  reader.add(at,
             "a workflow cannot write " + path->text() + ", which is in the zone '" +
                 std::string{to_string(path->zone())} + "'",
             std::string{refusal->suggestion});
  return std::nullopt;
}

}  // namespace theus
