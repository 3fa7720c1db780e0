#include "runtime/contract.hpp"

#include "runtime/commit.hpp"

#include <algorithm>

namespace theus {
namespace {

Result<std::vector<PathPattern>> parsed(const std::string& name, const std::vector<std::string>& texts) {
  std::vector<PathPattern> patterns;
  for (const std::string& text : texts) {
    auto pattern = PathPattern::parse(text);
    if (!pattern)
      return Error{pattern.error().code(), "the contract of '" + name + "', path '" + text + "'",
                   pattern.error().cause(), pattern.error().remedy()};
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

std::string listed(const std::vector<PathPattern>& patterns) {
  std::string text;
  for (const PathPattern& pattern : patterns)
    text += (text.empty() ? "" : ", ") + pattern.text();
  return text.empty() ? "nothing" : text;
}

bool any_grants(const std::vector<PathPattern>& patterns, const Path& path) noexcept {
  return std::ranges::any_of(patterns, [&](const PathPattern& pattern) { return pattern.grants(path); });
}

bool any_leads_below(const std::vector<PathPattern>& patterns, const Path& path) noexcept {
  return std::ranges::any_of(patterns, [&](const PathPattern& pattern) { return pattern.leads_below(path); });
}

// What a pure process must not depend on, nor change.
bool is_effect(Zone zone) noexcept { return zone == Zone::signal || zone == Zone::meta; }

}  // namespace

std::string_view to_string(Semantic semantic) noexcept {
  switch (semantic) {
    case Semantic::pure: return "pure";
    case Semantic::effect: return "effect";
    case Semantic::guide: return "guide";
  }
  return "unknown";
}

Result<Contract> Contract::compile(std::string name, const std::vector<std::string>& inputs,
                                   const std::vector<std::string>& outputs, Semantic semantic) {
  auto ins = parsed(name, inputs);
  if (!ins)
    return ins.error();
  auto outs = parsed(name, outputs);
  if (!outs)
    return outs.error();
  Contract contract;
  contract.name_ = std::move(name);
  contract.semantic_ = semantic;
  contract.out_of_memory_ = {Errc::resource_exhausted, "'" + contract.name_ + "'", "out of memory",
                             "Nothing of this execution was committed"};
  contract.inputs_ = *std::move(ins);
  contract.outputs_ = *std::move(outs);

  for (const PathPattern& input : contract.inputs_) {
    const Zone zone = input.path().zone();
    if (zone == Zone::internal || (semantic == Semantic::pure && is_effect(zone)))
      return contract.illegal_read(input.path());
  }
  if (semantic == Semantic::guide && !outputs.empty())
    return contract.violation("illegal_write", contract.outputs_.front().path(), "write", "a guide writes nothing",
                              "Declare it effect, or drop its outputs");
  for (const PathPattern& output : contract.outputs_) {
    const Zone zone = output.path().zone();
    if (zone == Zone::constant || zone == Zone::internal)
      return contract.violation("capability", output.path(), "write",
                                "nothing writes to the " + std::string{to_string(zone)} + " zone",
                                "Declare another output");
    if (semantic == Semantic::pure && zone == Zone::signal)
      return contract.violation("pure_effect", output.path(), "write", "a pure process emits no signals",
                                "Declare it effect");
  }
  return contract;
}

Contract::Reading Contract::reading(const Path& path) const noexcept {
  if (any_grants(inputs_, path) || any_grants(outputs_, path)) {
    const Zone zone = path.zone();
    const bool hidden = zone == Zone::internal || (semantic_ == Semantic::pure && is_effect(zone));
    return hidden ? Reading::none : Reading::whole;
  }
  if (any_leads_below(inputs_, path) || any_leads_below(outputs_, path))
    return Reading::partial;
  return Reading::none;
}

Status Contract::may_write(const Write& write) const {
  if (!any_grants(outputs_, write.path)) {
    const bool is_input = any_grants(inputs_, write.path);
    return violation("illegal_write", write.path, to_string(write.kind),
                     is_input ? "it is declared as an input only" : "the declared outputs are " + listed(outputs_),
                     "Declare it as an output");
  }
  if (semantic_ == Semantic::pure && write.path.zone() == Zone::signal)
    return violation("pure_effect", write.path, to_string(write.kind), "a pure process emits no signals",
                     "Declare it effect");
  if (auto allowed = check_zone(write); !allowed)
    return violation("capability", write.path, to_string(write.kind), allowed.error().cause(),
                     allowed.error().remedy());
  return {};
}

Status Contract::may_emit(std::string_view signal) const {
  if (semantic_ == Semantic::effect)
    return {};
  return violation(
      "pure_effect", Path{}, "emit",
      "a " + std::string{to_string(semantic_)} + " process emits no signals, here '" + std::string{signal} + "'",
      "Declare it effect");
}

Error Contract::illegal_read(const Path& path) const {
  const Zone zone = path.zone();
  if (zone == Zone::internal)
    return violation("capability", path, "read", "the private zone needs elevation", "Declare another path");
  if (semantic_ == Semantic::pure && is_effect(zone))
    return violation("pure_effect", path, "read",
                     "a pure process cannot depend on the " + std::string{to_string(zone)} + " zone",
                     "Declare it effect, or pass the value as data");
  return violation("illegal_read", path, "read", "the declared inputs are " + listed(inputs_),
                   "Declare it as an input");
}

Error Contract::violation(std::string_view rule, const Path& path, std::string_view right, std::string cause,
                          std::string remedy) const {
  Error error{Errc::contract_violation, "'" + name_ + "'" + (path.is_root() ? std::string{} : ", path " + path.text()),
              std::string{rule} + ": " + std::move(cause), std::move(remedy)};
  error.set("process", name_).set("path", path.text()).set("right", right).set("rule", rule);
  return error;
}

}  // namespace theus
