// How a state schema becomes what commits are checked with.

#include "runtime/schema_guard.hpp"

#include <algorithm>

namespace theus {
namespace {

Error unfit(std::string where, std::string cause, std::string remedy) {
  return Error{Errc::bad_schema, std::move(where), std::move(cause), std::move(remedy)};
}

/// Answers an expression with the values of its paths.
class PathValues : public StateReader {
public:
  PathValues(std::span<const Path> paths, std::span<const std::optional<Value>> values)
      : paths_(paths), values_(values) {}

  std::optional<Value> read(const Path& path) const override {
    for (std::size_t i = 0; i < paths_.size(); ++i)
      if (paths_[i] == path)
        return values_[i];
    return std::nullopt;
  }

private:
  std::span<const Path> paths_;
  std::span<const std::optional<Value>> values_;
};

Status check_path(const Path& path, std::string_view what) {
  if (path.is_root())
    return unfit(std::string{what}, "it is about the root", "Name a layer, such as domain");
  for (const Segment& segment : path.segments())
    if (segment.is_index())
      return unfit(path.text(), std::string{what} + " is about an element of a list", "Describe elements with `items`");
  return {};
}

}  // namespace

std::uint32_t SchemaGuard::step_at(const Path& path) {
  std::uint32_t at = 0;
  for (const Segment& segment : path.segments()) {
    if (const Step* known = find_known(at, segment)) {
      at = static_cast<std::uint32_t>(known - steps_.data());
      continue;
    }
    const auto added = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back({.key = std::string{segment.key}, .hash = segment.hash});
    auto& below = steps_[at].below;
    below.insert(
        std::ranges::lower_bound(below, segment.hash, {}, [&](std::uint32_t each) { return steps_[each].hash; }),
        added);
    at = added;
  }
  return at;
}

const SchemaGuard::Step* SchemaGuard::find_known(std::uint32_t at, const Segment& segment) const noexcept {
  for (const std::uint32_t each : steps_[at].below)
    if (steps_[each].hash == segment.hash && steps_[each].key == segment.key)
      return &steps_[each];
  return nullptr;
}

Result<std::shared_ptr<const SchemaGuard>> SchemaGuard::compile(const StateSchema& schema, CallUser call) {
  std::shared_ptr<SchemaGuard> guard{new SchemaGuard};
  guard->source_ = schema;
  if (schema.schemas().size() > StateSchema::paths_max)
    return unfit("schema", "it has more than " + std::to_string(StateSchema::paths_max) + " paths",
                 "Describe the parents instead");
  if (schema.rules().size() + schema.conditions().size() > StateSchema::rules_max)
    return unfit("schema", "it has more than " + std::to_string(StateSchema::rules_max) + " rules",
                 "Join rules of the same paths");
  for (const auto& [path, each] : schema.schemas()) {
    if (auto good = check_path(path, "a schema"); !good)
      return good.error();
    const auto& program = SchemaAccess::program(each);
    guard->steps_[guard->step_at(path)].schema = static_cast<std::uint32_t>(guard->schemas_.size());
    guard->schemas_.push_back({path, each, program});
    guard->has_non_finite_ |= program->has_non_finite;
    guard->has_secrets_ |= program->has_secrets;
  }
  for (const SchemaRule& rule : schema.rules())
    guard->rules_.push_back({rule.name, rule.paths, [rule, call](std::span<const std::optional<Value>> given) {
                               std::vector<Value> values;
                               for (const auto& each : given)
                                 values.push_back(each.value_or(Value{}));
                               bool holds = false;
                               const auto called = call([&] { holds = rule.holds(values); });
                               return called ? Result<bool>{holds} : Result<bool>{called.error()};
                             }});
  for (const auto& [name, condition] : schema.conditions()) {
    std::vector<Path> paths{condition.paths().begin(), condition.paths().end()};
    guard->rules_.push_back({name, paths, [condition = condition, paths](std::span<const std::optional<Value>> given) {
                               return condition.test(PathValues{paths, given});
                             }});
  }
  for (std::size_t i = 0; i < guard->rules_.size(); ++i) {
    const Rule& rule = guard->rules_[i];
    const std::string where = "the rule '" + rule.name + "'";
    if (rule.paths.empty())
      return unfit(where, "it is about no path, so that nothing would ask it", "Name the paths that it is about");
    for (const Path& path : rule.paths) {
      if (auto good = check_path(path, where); !good)
        return good.error();
      guard->steps_[guard->step_at(path)].rules |= std::uint64_t{1} << i;
    }
  }
  return std::shared_ptr<const SchemaGuard>{std::move(guard)};
}

}  // namespace theus
