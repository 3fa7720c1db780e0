#include "runtime/contract.hpp"

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
                                   const std::vector<std::string>& outputs, Semantic semantic,
                                   const std::vector<std::string>& side_effects,
                                   std::shared_ptr<const AccessTable> access) {
  auto ins = parsed(name, inputs);
  if (!ins)
    return ins.error();
  auto outs = parsed(name, outputs);
  if (!outs)
    return outs.error();
  Contract contract;
  contract.name_ = std::move(name);
  contract.semantic_ = semantic;
  contract.inputs_ = *std::move(ins);
  contract.outputs_ = *std::move(outs);
  contract.access_ = std::move(access);
  contract.take(side_effects);

  for (const PathPattern& input : contract.inputs_) {
    const Zone zone = input.path().zone();
    const bool is_hidden = zone == Zone::internal && !contract.may_be_elevated_;
    if (is_hidden || (semantic == Semantic::pure && is_effect(zone)))
      return contract.illegal_read(input.path());
  }
  if (semantic == Semantic::guide && !outputs.empty())
    return contract.violation("illegal_write", contract.outputs_.front().path(), "write", "a guide writes nothing",
                              "Declare it effect, or drop its outputs");
  for (const PathPattern& output : contract.outputs_) {
    const Zone zone = output.path().zone();
    if (auto possible = contract.may_ever_write(output.path()); !possible)
      return possible.error();
    if (semantic == Semantic::pure && zone == Zone::signal)
      return contract.violation("pure_effect", output.path(), "write", "a pure process emits no signals",
                                "Declare it effect");
  }
  return contract;
}

Contract::Reading Contract::reading(const Path& path, const Standing& standing) const noexcept {
  if (any_grants(inputs_, path) || any_grants(outputs_, path)) {
    const Zone zone = path.zone();
    const bool hidden = (zone == Zone::internal && !standing.is_elevated) ||  //
                        (semantic_ == Semantic::pure && is_effect(zone));
    return hidden ? Reading::none : Reading::whole;
  }
  if (any_leads_below(inputs_, path) || any_leads_below(outputs_, path))
    return Reading::partial;
  return Reading::none;
}

void Contract::take(const std::vector<std::string>& side_effects) {
  constexpr std::string_view grant = "write:";
  standing_ = {};
  for (const std::string& token : side_effects)
    if (token.starts_with(grant))
      standing_.grants.push_back(token.substr(grant.size()));
  may_be_elevated_ = access_->allows_admin() && std::ranges::find(side_effects, "admin") != side_effects.end();
}

/// Whether there is any kind of write for which this path is open.
Status Contract::may_ever_write(const Path& path) const {
  Standing most = standing_;
  most.is_elevated = may_be_elevated_;
  const Rights rights = access_->ceiling(path, most);
  if (includes(rights, Rights::append) || includes(rights, Rights::update))
    return {};
  const Error refusal = access_->check(Write::set(path, {}), most).error();
  return violation("capability", path, "write", refusal.cause(), refusal.remedy());
}

Status Contract::may_elevate() const {
  if (may_be_elevated_)
    return {};
  if (!access_->allows_admin())
    return violation("capability", Path{}, "admin", "the engine was built without admin",
                     "Set EngineOptions::access.admin");
  return violation("capability", Path{}, "admin", "it does not declare the side effect 'admin'", "Declare it");
}

Status Contract::may_write(const Write& write, const Standing& standing) const {
  if (!any_grants(outputs_, write.path)) {
    const bool is_input = any_grants(inputs_, write.path);
    return violation("illegal_write", write.path, to_string(write.kind),
                     is_input ? "it is declared as an input only" : "the declared outputs are " + listed(outputs_),
                     "Declare it as an output");
  }
  if (semantic_ == Semantic::pure && write.path.zone() == Zone::signal)
    return violation("pure_effect", write.path, to_string(write.kind), "a pure process emits no signals",
                     "Declare it effect");
  if (auto allowed = access_->check(write, standing); !allowed)
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
