#include "runtime/schema_check.hpp"

#include "runtime/schema_report.hpp"
#include "runtime/value_build.hpp"
#include "runtime/value_node.hpp"

#include <algorithm>
#include <cmath>

#include <re2/re2.h>

namespace theus {
namespace {

bool begins_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::size_t count_characters(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

bool equals(const MapPart& map, const Value& value);

bool equals(SchemaView view, const Value& value) {
  return view.map != nullptr ? equals(*view.map, value) : *view.value == value;
}

bool equals(const MapPart& map, const Value& value) {
  if (!value.is_map() || value.size() != map.count)
    return false;
  bool equal = true;
  for_each_child(map.children, [&](const Cell& child) {
    const Value* member = equal ? value.find(child.key->text()) : nullptr;
    equal = member != nullptr && equals(SchemaView::of(child), *member);
  });
  return equal;
}

}  // namespace

bool SchemaCheck::fits(SchemaId schema, SchemaView view) {
  return (view.map == nullptr ? fits_whole(schema, *view.value) : check(schema, view)) && !is_exhausted_;
}

void SchemaCheck::report(SchemaId schema, SchemaView view, const Path& at, Violations& violations) {
  Report report{violations, at};
  report_ = &report;
  const std::size_t before = violations.count;
  const bool good = check(schema, view);
  if (is_exhausted_) {
    // What else was found may be wrong only because the check was given up.
    violations.kept.resize(std::min(violations.kept.size(), before));
    violations.count = before;
    report.add("a value that can be checked in " + std::to_string(repeated_steps_max) + " steps and " +
                   std::to_string(depth_max) + " levels",
               view);
  } else if (!good && violations.count == before) {
    report.add(wanted(schema), view);
  }
  report_ = nullptr;
}

bool SchemaCheck::fits_silently(SchemaId schema, SchemaView view) {
  Report* const before = std::exchange(report_, nullptr);
  ++combined_;
  const bool fits = check(schema, view);
  --combined_;
  report_ = before;
  return fits;
}

bool SchemaCheck::check(SchemaId schema, SchemaView view) {
  if (schema == any_value)
    return true;
  if (schema == no_value) {
    if (report_ != nullptr)
      report_->add("nothing here", view);
    return false;
  }
  if (depth_ == depth_max || (combined_ > 0 && ++repeated_steps_ > repeated_steps_max)) [[unlikely]]
    is_exhausted_ = true;
  if (is_exhausted_) [[unlikely]]
    return false;
  const SchemaNode& node = program_.nodes[schema];
  if (report_ != nullptr && node.is_secret)
    ++report_->secrets;
  ++depth_;
  bool good = node.accepts(view.kind());
  if (!good && report_ != nullptr)
    report_->add(wanted(schema), view);
  if (good)
    good = check_kind(node, view);
  if (node.is_whole && (good || (report_ != nullptr && node.accepts(view.kind()))))
    good = check_combined(node, view) && good;
  --depth_;
  if (report_ != nullptr && node.is_secret)
    --report_->secrets;
  return good;
}

bool SchemaCheck::check_kind(const SchemaNode& node, SchemaView view) {
  switch (view.kind()) {
    case Value::Kind::null:
    case Value::Kind::boolean:
    case Value::Kind::bytes:
    case Value::Kind::heavy: return true;
    case Value::Kind::integer: return check_integer(node, *view.value);
    case Value::Kind::real: return check_real(node, *view.value);
    case Value::Kind::string: return !node.has_text_bounds || check_text(node, *view.value);
    case Value::Kind::list: return check_list(node, *view.value);
    case Value::Kind::map: return check_map(node, view);
  }
  return false;
}

bool SchemaCheck::check_integer(const SchemaNode& node, const Value& value) {
  const std::int64_t number = value.as_int();
  const bool good = number >= node.integer_least && number <= node.integer_greatest &&
                    (!node.has_multiple_of || is_multiple(value, words_of(node).multiple_of));
  if (!good && report_ != nullptr)
    report_number(node, value);
  return good;
}

bool SchemaCheck::check_real(const SchemaNode& node, const Value& value) {
  const double number = value.as_double();
  if (!std::isfinite(number) && !node.allows_non_finite) {
    if (report_ != nullptr)
      report_->add("a finite number", SchemaView::of(value));
    return false;
  }
  const bool above = node.is_real_least_open ? number > node.real_least : number >= node.real_least;
  const bool below = node.is_real_greatest_open ? number < node.real_greatest : number <= node.real_greatest;
  const bool is_bounded = !std::isnan(number) || words_of(node).is_unbounded();
  const bool good = (std::isnan(number) ? is_bounded : above && below) &&
                    (!node.has_multiple_of || is_multiple(value, words_of(node).multiple_of));
  if (!good && report_ != nullptr)
    report_number(node, value);
  return good;
}

bool SchemaCheck::check_text(const SchemaNode& node, const Value& value) {
  const std::string_view text = value.as_string();
  // A character has at least a byte, so often there is nothing to count.
  const bool has_one = !text.empty() && begins_character(text.front());
  const bool is_sure =
      text.size() <= node.characters_greatest && node.characters_least <= static_cast<std::size_t>(has_one);
  const std::size_t characters = is_sure ? 0 : count_characters(text);
  const bool is_long_enough = is_sure || characters >= node.characters_least;
  const bool is_short_enough = is_sure || characters <= node.characters_greatest;
  const bool matches =
      node.pattern == nullptr || RE2::PartialMatch(re2::StringPiece{text.data(), text.size()}, *node.pattern);
  if (report_ != nullptr) {
    if (!is_long_enough)
      report_->add("at least " + counted(node.characters_least, "character"), SchemaView::of(value));
    if (!is_short_enough)
      report_->add("at most " + counted(node.characters_greatest, "character"), SchemaView::of(value));
    if (!matches)
      report_->add("a text that matches " + words_of(node).pattern, SchemaView::of(value));
  }
  return is_long_enough && is_short_enough && matches;
}

bool SchemaCheck::check_list(const SchemaNode& node, const Value& list) {
  const std::size_t size = list.size();
  bool good = size >= node.items_least && size <= node.items_greatest;
  if (!good) {
    if (report_ == nullptr)
      return false;
    report_->add(size < node.items_least ? "at least " + counted(node.items_least, "element")
                                         : "at most " + counted(node.items_greatest, "element"),
                 SchemaView::of(list));
  }
  if (node.tuple.count == 0 && node.items == any_value)
    return good;
  const SequenceNode* root = root_of(list);
  for (std::size_t index = 0; index < size;) {
    const ValueRun run = values_at(root, index);
    for (const Value* item = run.first; item != run.first + run.count; ++item, ++index) {
      const SchemaId schema = program_.item(node, index);
      if (schema == any_value)
        continue;
      Path around;
      if (report_ != nullptr)
        around = report_->enter(index);
      const bool fit = check(schema, SchemaView::of(*item));
      if (report_ != nullptr)
        report_->leave(std::move(around));
      else if (!fit)
        return false;
      good = good && fit;
    }
  }
  return good;
}

bool SchemaCheck::check_map(const SchemaNode& node, SchemaView view) {
  std::uint32_t required = 0;
  bool good = true;
  if (node.properties.count > 0 || node.additional != any_value) {
    good = view.map != nullptr ? check_cells(node, *view.map, required) : check_members(node, *view.value, required);
    if (!good && report_ == nullptr)
      return false;
  }
  if (required < node.required_count) {
    if (report_ == nullptr)
      return false;
    report_missing(node, view);
    good = false;
  }
  const std::size_t count = view.map != nullptr ? view.map->count : view.value->size();
  if (count < node.members_least || count > node.members_greatest) {
    if (report_ != nullptr)
      report_->add(count < node.members_least ? "at least " + counted(node.members_least, "member")
                                              : "at most " + counted(node.members_greatest, "member"),
                   view);
    good = false;
  }
  return good;
}

bool SchemaCheck::check_members(const SchemaNode& node, const Value& map, std::uint32_t& required) {
  const SchemaProperty* at = program_.properties.data() + node.properties.first;
  const SchemaProperty* const end = at + node.properties.count;
  const SequenceNode* root = root_of(map);
  const std::size_t size = root == nullptr ? 0 : root->size;
  bool good = true;
  for (std::size_t visited = 0; visited < size;) {
    const ValueRun run = values_at(root, visited);
    visited += run.count / 2;
    for (const Value* member = run.first; member != run.first + run.count; member += 2) {
      const std::string_view key = member->as_string();
      while (at != end && key_before(at->key, key))
        ++at;
      const SchemaProperty* property = at != end && at->key == key ? at++ : nullptr;
      required += property != nullptr && property->is_required ? 1 : 0;
      good = check_member(node, property, key, SchemaView::of(member[1])) && good;
      if (!good && report_ == nullptr)
        return false;
    }
  }
  return good;
}

bool SchemaCheck::check_cells(const SchemaNode& node, const MapPart& map, std::uint32_t& required) {
  bool good = true;
  for_each_child(map.children, [&](const Cell& child) {
    if (!good && report_ == nullptr)
      return;
    const SchemaProperty* property = program_.find(node, child.key->text(), child.key->hash);
    required += property != nullptr && property->is_required ? 1 : 0;
    good = check_member(node, property, child.key->text(), SchemaView::of(child)) && good;
  });
  return good;
}

bool SchemaCheck::check_member(const SchemaNode& node, const SchemaProperty* property, std::string_view key,
                               SchemaView view) {
  const SchemaId schema = property != nullptr && property->is_declared ? property->schema : node.additional;
  if (report_ == nullptr)
    return check(schema, view);
  Path around = report_->enter(key);
  const bool is_unknown = schema == no_value && schema == node.additional;
  if (is_unknown)
    report_->add("no member of that name" + suggestion_for(node, key), view);
  const bool good = !is_unknown && check(schema, view);
  report_->leave(std::move(around));
  return good;
}

bool SchemaCheck::check_unique(const Value& list) {
  constexpr std::size_t compared_max = 32;
  const std::size_t size = list.size();
  const auto differ = [&](std::size_t a, std::size_t b) {
    if (!(list[a] == list[b]))
      return true;
    if (report_ != nullptr) {
      Path around = report_->enter(std::max(a, b));
      report_->add("an element that differs from element " + std::to_string(std::min(a, b)),
                   SchemaView::of(list[std::max(a, b)]));
      report_->leave(std::move(around));
    }
    return false;
  };
  bool good = true;
  if (size <= compared_max) {
    for (std::size_t b = 1; b < size; ++b)
      for (std::size_t a = 0; a < b; ++a)
        if (!differ(a, b)) {
          good = false;
          break;
        }
    return good;
  }
  std::vector<std::pair<std::uint64_t, std::size_t>> hashes;
  hashes.reserve(size);
  for (const Value& item : list.items())
    hashes.emplace_back(item.hash(), hashes.size());
  std::ranges::sort(hashes);
  for (std::size_t i = 1; i < size; ++i)
    for (std::size_t j = i; j-- > 0 && hashes[j].first == hashes[i].first;)
      if (!differ(hashes[j].second, hashes[i].second)) {
        good = false;
        break;
      }
  return good;
}

bool SchemaCheck::check_allowed(const SchemaNode& node, SchemaView view) {
  const Value* const first = program_.values.data() + node.allowed.first;
  if (std::any_of(first, first + node.allowed.count, [&](const Value& each) { return equals(view, each); }))
    return true;
  if (report_ != nullptr)
    report_->add(report_->secrets > 0 ? "one of the allowed values" : wanted_of({first, node.allowed.count}), view);
  return false;
}

bool SchemaCheck::check_combined(const SchemaNode& node, SchemaView view) {
  const auto alternatives = [&](SchemaRange range) {
    return std::span{program_.alternatives}.subspan(range.first, range.count);
  };
  const auto refuse = [&](auto text) {
    if (report_ != nullptr)
      report_->add(text(), view);
    return false;
  };
  bool good = !node.has_allowed || check_allowed(node, view);
  if (node.unique_items && view.kind() == Value::Kind::list)
    good = check_unique(*view.value) && good;
  for (const SchemaId each : alternatives(node.all_of)) {
    ++combined_;
    good = check(each, view) && good;
    --combined_;
  }
  const auto any = alternatives(node.any_of);
  if (!any.empty() && std::ranges::none_of(any, [&](SchemaId each) { return fits_silently(each, view); }))
    good = refuse([&] { return wanted_of(any); });
  const auto one = alternatives(node.one_of);
  if (!one.empty()) {
    const auto count = std::ranges::count_if(one, [&](SchemaId each) { return fits_silently(each, view); });
    if (count == 0)
      good = refuse([&] { return wanted_of(one); });
    if (count > 1)
      good = refuse([&] { return "exactly one of " + wanted_of(one) + ", not " + std::to_string(count); });
  }
  if (node.negated != any_value && fits_silently(node.negated, view))
    good = refuse([&] { return "anything but " + wanted(node.negated); });
  return good;
}

}  // namespace theus
