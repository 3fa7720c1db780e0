#include "runtime/return_mapping.hpp"

#include <theus/nearest.hpp>

#include <algorithm>

namespace theus {
namespace {

std::string_view last_key(const Path& path) noexcept { return path.segments().back().key; }

Result<Path> find_output(const Contract& contract, const std::string& name) {
  const auto spelled = Path::parse(name);
  std::vector<Path> found;
  std::vector<std::string> known;
  for (const PathPattern& output : contract.outputs()) {
    if (spelled && output.grants(*spelled))
      return *spelled;
    if (!output.has_wildcards() && last_key(output.path()) == name)
      found.push_back(output.path());
    known.emplace_back(output.has_wildcards() ? output.text() : std::string{last_key(output.path())});
  }
  if (found.size() == 1)
    return found.front();
  if (found.empty())
    return contract.violation("undeclared_output", Path{}, "write",
                              "the returned name '" + name + "' is no declared output", suggest(name, known));
  return contract.violation("ambiguous", found.front(), "write",
                            "the returned name '" + name + "' fits " + found[0].text() + " and " + found[1].text(),
                            "Name the output by its full path");
}

Result<std::vector<MappedOutput>> map_named(const Contract& contract, const std::vector<std::string>& names,
                                            const std::vector<Output>& outputs) {
  std::vector<MappedOutput> mapped;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto path = find_output(contract, names[i]);
    if (!path)
      return path.error();
    mapped.push_back({*std::move(path), outputs[i]});
  }
  return mapped;
}

Error wrong_arity(const Contract& contract, std::string_view what) {
  return contract.violation(
      "arity", Path{}, "write",
      std::string{what} + " was returned for " + std::to_string(contract.outputs().size()) + " outputs",
      "Return a tuple of as many values, or name the outputs");
}

}  // namespace

Returned Returned::named(std::vector<std::pair<std::string, Output>> members) {
  Returned returned;
  returned.form = Form::named;
  for (auto& [name, output] : members) {
    returned.names.push_back(std::move(name));
    returned.outputs.push_back(std::move(output));
  }
  return returned;
}

Result<std::vector<MappedOutput>> map_outputs(const Contract& contract, const Returned& returned) {
  using Mapped = std::vector<MappedOutput>;
  const auto& outputs = contract.outputs();
  if (returned.form == Returned::Form::nothing || outputs.empty())
    return Mapped{};
  switch (returned.form) {
    case Returned::Form::nothing: break;
    case Returned::Form::one: {
      const Output& only = returned.outputs.front();
      if (outputs.size() == 1 && !outputs.front().has_wildcards())
        return Mapped{{outputs.front().path(), only}};
      const Value& value = only.value();
      if (only.kind() == Output::Kind::set && value.is_null())
        return Mapped{};
      if (only.kind() != Output::Kind::set || !value.is_map())
        return wrong_arity(contract, "one value of kind " + std::string{to_string(value.kind())});
      std::vector<std::string> names;
      std::vector<Output> members;
      for (const auto [key, item] : value.members()) {
        names.emplace_back(key);
        members.emplace_back(item);
      }
      return map_named(contract, names, members);
    }
    case Returned::Form::tuple: {
      if (returned.outputs.size() != outputs.size() || std::ranges::any_of(outputs, &PathPattern::has_wildcards))
        return wrong_arity(contract, "a tuple of " + std::to_string(returned.outputs.size()));
      Mapped mapped;
      for (std::size_t i = 0; i < outputs.size(); ++i)
        mapped.push_back({outputs[i].path(), returned.outputs[i]});
      return mapped;
    }
    case Returned::Form::named: return map_named(contract, returned.names, returned.outputs);
  }
  return Mapped{};
}

Value value_of(const Returned& returned) {
  switch (returned.form) {
    case Returned::Form::nothing: return {};
    case Returned::Form::one: return returned.outputs.front().value();
    case Returned::Form::tuple: {
      Value list = Value::list();
      for (const Output& output : returned.outputs)
        list.push_back(output.value());
      return list;
    }
    case Returned::Form::named: {
      Value map = Value::map();
      for (std::size_t i = 0; i < returned.names.size(); ++i)
        if (returned.outputs[i].kind() == Output::Kind::set)
          map.set(returned.names[i], returned.outputs[i].value());
      return map;
    }
  }
  return {};
}

}  // namespace theus
