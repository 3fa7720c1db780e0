#include "runtime/schema_guard.hpp"

#include "runtime/execution.hpp"
#include "runtime/value_check.hpp"
#include "runtime/walk.hpp"

#include <algorithm>

namespace theus {

struct SchemaGuard::Change {
  const Root& before;
  const Root& after;
  const Write& write;
  bool with_erasures;  // among the writes of the commit
};

namespace {

std::span<const Segment> first_of(const Path& path, std::size_t count) { return path.segments().first(count); }

/// What stands at a place; nothing to look at when nothing stands there.
std::optional<SchemaView> view_of(const Root& root, const Place& place) {
  if (!place.exists)
    return std::nullopt;
  if (place.value != nullptr)
    return SchemaView::of(*place.value);
  return SchemaView{nullptr, place.cell != nullptr ? &place.cell->map : &root.map};
}

bool has_required(const SchemaProgram& program, const SchemaNode& node, SchemaView view) {
  for (std::uint32_t i = 0; i < node.properties.count; ++i) {
    const SchemaProperty& property = program.properties[node.properties.first + i];
    if (!property.is_required)
      continue;
    const bool there = view.map != nullptr ? find_child(*view.map, property.key, property.hash) != nullptr
                                           : view.value->contains(property.key);
    if (!there)
      return false;
  }
  return true;
}

/// Looks at parts of one change; each answer is sound for what that write did, whatever the others did.
template <class Change>
class ChangeCheck {
public:
  ChangeCheck(const SchemaProgram& program, const Change& change)
      : program_(program), change_(change), path_(change.write.path), check_(program) {}

  bool fits(std::size_t depth) {
    const auto segments = path_.segments();
    SchemaId schema = program_.root;
    for (;; ++depth) {
      if (schema >= no_value)
        return schema == any_value;
      const SchemaNode& node = program_.nodes[schema];
      if (depth == segments.size())
        return fits_at_end(schema, node);
      if (node.is_whole)
        return fits_at(schema, depth);
      const Segment& step = segments[depth];
      const bool is_erased = change_.write.kind == Write::Kind::erase && depth + 1 == segments.size();
      if (step.is_index()) {
        if (is_erased)
          return fits_at(schema, depth);  // those behind it have moved up
        if (!node.accepts(Value::Kind::list))
          return false;
        schema = program_.item(node, static_cast<std::size_t>(step.index));
        continue;
      }
      if (!node.accepts(Value::Kind::map) || !keeps_required(node, step, depth, is_erased))
        return false;
      if (is_erased)
        return true;
      schema = program_.member(node, step.key, step.hash);
    }
  }

private:
  /// A map that was there keeps its required members, unless something was erased.
  bool keeps_required(const SchemaNode& node, const Segment& step, std::size_t depth, bool is_erased) {
    if (node.required_count == 0)
      return true;
    const auto around = first_of(path_, depth);
    if (is_erased) {
      const SchemaProperty* property = program_.find(node, step.key, step.hash);
      if (property == nullptr || !property->is_required)
        return true;
    } else if (!change_.with_erasures && locate(change_.before, around).exists) {
      return true;
    }
    const auto view = view_of(change_.after, locate(change_.after, around));
    return !view || (view->kind() == Value::Kind::map && has_required(program_, node, *view));
  }

  bool fits_at(SchemaId schema, std::size_t depth) {
    const auto view = view_of(change_.after, locate(change_.after, first_of(path_, depth)));
    return !view || check_.fits(schema, *view);
  }

  bool fits_at_end(SchemaId schema, const SchemaNode& node) {
    const Write& write = change_.write;
    switch (write.kind) {
      case Write::Kind::erase: return true;
      case Write::Kind::increment:
      case Write::Kind::max: return fits_at(schema, path_.size());
      case Write::Kind::set: return check_.fits(schema, SchemaView::of(write.value));
      case Write::Kind::append:
      case Write::Kind::insert:
      case Write::Kind::splice: break;
    }
    if (node.is_whole || node.tuple.count > 0 || !node.accepts(Value::Kind::list))
      return fits_at(schema, path_.size());
    if (write.kind != Write::Kind::splice && !check_.fits(node.items, SchemaView::of(write.value)))
      return false;
    if (write.kind == Write::Kind::splice && node.items != any_value)
      for (const Value& item : write.value.items())
        if (!check_.fits(node.items, SchemaView::of(item)))
          return false;
    const auto view = view_of(change_.after, locate(change_.after, path_.segments()));
    return !view || (view->kind() == Value::Kind::list && view->value->size() >= node.items_least &&
                     view->value->size() <= node.items_greatest);
  }

  const SchemaProgram& program_;
  const Change& change_;
  const Path& path_;
  SchemaCheck check_;
};

}  // namespace

inline const SchemaGuard::Step* SchemaGuard::find_below(const Step& step, const Segment& segment) const noexcept {
  constexpr std::size_t scanned_max = 8;
  auto at = step.below.begin();
  if (step.below.size() > scanned_max)
    at = std::ranges::lower_bound(step.below, segment.hash, {},
                                  [this](std::uint32_t each) { return steps_[each].hash; });
  for (; at != step.below.end() && steps_[*at].hash <= segment.hash; ++at)
    if (steps_[*at].hash == segment.hash && steps_[*at].key == segment.key)
      return &steps_[*at];
  return nullptr;
}

template <class Pass>
bool SchemaGuard::visit_below(const Step& step, std::uint64_t& rules, const Pass& pass) const {
  bool good = true;
  for (const std::uint32_t each : step.below) {
    const Step& below = steps_[each];
    rules |= below.rules;
    if (good && below.schema != none)
      good = pass(schemas_[below.schema]);
    good = visit_below(below, rules, pass) && good;
  }
  return good;
}

template <class Pass>
bool SchemaGuard::visit(const Path& path, std::uint64_t& rules, const Pass& pass) const {
  bool good = true;
  const Step* at = steps_.data();
  for (const Segment& segment : path.segments()) {
    at = segment.is_index() ? nullptr : find_below(*at, segment);
    if (at == nullptr)
      return good;
    rules |= at->rules;
    if (good && at->schema != none)
      good = pass(schemas_[at->schema]);
  }
  return at->below.empty() ? good : visit_below(*at, rules, pass) && good;
}

bool SchemaGuard::fits(const Guarded& guarded, const Change& change) const {
  const Path& written = change.write.path;
  // What is written to the meta zone may drop something else there.
  if (guarded.path.size() <= written.size() && written.zone() != Zone::meta) [[likely]]
    return ChangeCheck{*guarded.program, change}.fits(guarded.path.size());
  const auto view = view_of(change.after, locate(change.after, guarded.path.segments()));
  return !view || SchemaCheck{*guarded.program}.fits(guarded.program->root, *view);
}

Status SchemaGuard::check(const Root& before, const Root& after, std::span<const Write> writes, bool finite) const {
  std::uint64_t rules = 0;
  bool good = true;
  const bool with_erasures =
      std::ranges::any_of(writes, [](const Write& write) { return write.kind == Write::Kind::erase; });
  for (const Write& write : writes) {
    const Change change{before, after, write, with_erasures};
    good = visit(write.path, rules, [&](const Guarded& guarded) { return !good || fits(guarded, change); }) && good;
  }
  if (good && rules == 0 && finite) [[likely]]
    return {};
  std::vector<std::uint32_t> concerned;
  if (!good)
    for (const Write& write : writes)
      visit(write.path, rules, [&](const Guarded& guarded) {
        concerned.push_back(static_cast<std::uint32_t>(&guarded - schemas_.data()));
        return true;
      });
  Violations violations;
  if (!finite)
    for (const Write& write : writes)
      check_finite(
          write.kind == Write::Kind::append || write.kind == Write::Kind::insert ? write.path.index(0) : write.path,
          write.value, violations);
  return verdict(std::move(concerned), rules, after, std::move(violations));
}

Status SchemaGuard::check_all(const Root& state, bool finite) const {
  std::vector<std::uint32_t> all(schemas_.size());
  for (std::uint32_t i = 0; i < all.size(); ++i)
    all[i] = i;
  Violations violations;
  if (!finite)
    check_finite(Path{}, gather(state.map), violations);
  const std::uint64_t rules = rules_.empty() ? 0 : std::numeric_limits<std::uint64_t>::max() >> (64 - rules_.size());
  return verdict(std::move(all), rules, state, std::move(violations));
}

// Rules come last: their predicates may rely on what the schemas say.
Status SchemaGuard::verdict(std::vector<std::uint32_t> concerned, std::uint64_t rules, const Root& state,
                            Violations violations) const {
  std::ranges::sort(concerned);
  concerned.erase(std::ranges::unique(concerned).begin(), concerned.end());
  for (const std::uint32_t each : concerned)
    report(schemas_[each], state, violations);
  if (violations.empty())
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (((rules >> i) & 1) != 0)
        check_rule(rules_[i], state, violations);
  return violations.empty() ? Status{} : Status{error_of(violations, schema_remedy)};
}

void SchemaGuard::report(const Guarded& guarded, const Root& state, Violations& violations) const {
  if (const auto view = view_of(state, locate(state, guarded.path.segments())))
    SchemaCheck{*guarded.program}.report(guarded.program->root, *view, guarded.path, violations);
}

void SchemaGuard::check_rule(const Rule& rule, const Root& state, Violations& violations) const {
  std::vector<std::optional<Value>> values;
  for (const Path& path : rule.paths)
    values.push_back(read(state, path));
  const RunningScope scope{rule.name};
  const auto holds = rule.holds(values);
  if (!holds || !*holds)
    violations.add({rule.paths.front(), "the rule '" + rule.name + "' to hold",
                    holds ? "values that break it" : "a failure: " + holds.error().cause(), true});
}

void SchemaGuard::check_finite(const Path& at, const Value& value, Violations& violations) const {
  Walk walk{value};
  while (walk.next()) {
    if (!walk.value().is_double() || is_harmless(walk.value()))
      continue;
    const Path below = walk.path();
    Path place = at;
    for (const Segment& step : below.segments())
      if (place.size() < Path::segments_max)
        place = step.is_index() ? place.index(static_cast<std::size_t>(step.index)) : place.key(step.key);
    if (!may_be_non_finite(place))
      violations.add({place, "a finite number", walk.value()});
  }
}

bool SchemaGuard::may_be_non_finite(const Path& path) const {
  bool may = false;
  std::uint64_t rules = 0;
  visit(path, rules, [&](const Guarded& guarded) {
    may = may || (guarded.path.size() <= path.size() &&
                  SchemaCheck{*guarded.program}.may_be_non_finite(guarded.program->root,
                                                                  path.segments().subspan(guarded.path.size())));
    return true;
  });
  return may;
}

bool SchemaGuard::is_secret(const Path& path) const {
  bool secret = false;
  std::uint64_t rules = 0;
  visit(path, rules, [&](const Guarded& guarded) {
    secret = secret || (guarded.path.size() <= path.size() &&
                        SchemaCheck{*guarded.program}.is_secret(guarded.program->root,
                                                                path.segments().subspan(guarded.path.size())));
    return true;
  });
  return secret;
}

Value SchemaGuard::redacted(const Path& path, const Value& value) const {
  if (value.is_null() || !has_secrets_)
    return value;
  if (is_secret(path))
    return "(secret)";
  if (path.size() == Path::segments_max)
    return value;
  Value made = value;
  for (std::size_t i = 0; value.is_list() && i < value.size(); ++i)
    made.replace(i, redacted(path.index(i), value[i]));
  for (const auto [key, item] : value.members())
    made.set(key, redacted(path.key(key), item));
  return made;
}

}  // namespace theus
