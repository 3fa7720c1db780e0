#pragma once

#include "runtime/schema_program.hpp"
#include "runtime/state_tree.hpp"

#include <theus/path.hpp>

#include <vector>

namespace theus {

/// A value as it stands in the state: whole, or as a map whose members have cells of their own.
struct SchemaView {
  const Value* value = nullptr;
  const MapPart* map = nullptr;

  Value::Kind kind() const noexcept { return map != nullptr ? Value::Kind::map : value->kind(); }
  static SchemaView of(const Value& value) noexcept { return {&value, nullptr}; }
  static SchemaView of(const Cell& cell) noexcept {
    return cell.is_map ? SchemaView{nullptr, &cell.map} : SchemaView{&cell.value, nullptr};
  }
};

/// One thing wrong with a value.
struct Violation {
  Path path;
  std::string wanted;
  Value got;                  ///< a scalar as it is (a long text cut), or a description
  bool is_described = false;  ///< `got` is a description
};

/// All that is wrong; the first kept_max of it by itself.
struct Violations {
  static constexpr std::size_t kept_max = 100;

  std::vector<Violation> kept;
  std::size_t count = 0;

  bool empty() const noexcept { return count == 0; }
  void add(Violation violation) {
    if (++count <= kept_max)
      kept.push_back(std::move(violation));
  }
};

/// schema_violation: `where` (unless the first path is to say that), the first violation in its text and in the fields
/// path, wanted and got; all of them in the field `violations`, their number in `count`. REQUIRES: !violations.empty().
Error error_of(const Violations& violations, std::string remedy);

/// One check of one value. Recursion is bounded, in depth and in the steps that alternatives may repeat; what goes
/// beyond does not fit.
class SchemaCheck {
public:
  static constexpr unsigned depth_max = 1000;
  static constexpr std::uint64_t repeated_steps_max = std::uint64_t{1} << 24;

  explicit SchemaCheck(const SchemaProgram& program) noexcept : program_(program) {}

  /// Whether the value fits. Allocates nothing, but for lists of many elements that must differ.
  bool fits(SchemaId schema, SchemaView view);
  /// Adds all that is wrong with the value, which stands at the path.
  void report(SchemaId schema, SchemaView view, const Path& at, Violations& violations);

  /// Whether a number that is not finite may stand at the path inside of what the schema describes. It may still not
  /// fit.
  bool may_be_non_finite(SchemaId schema, std::span<const Segment> path, unsigned depth = 0);
  /// Whether what stands at the path inside of what the schema describes is secret.
  bool is_secret(SchemaId schema, std::span<const Segment> path, unsigned depth = 0);

  /// What the schema wants, in a few words.
  std::string wanted(SchemaId schema) const;

private:
  struct Report;

  bool check(SchemaId schema, SchemaView view);
  bool fits_whole(SchemaId schema, const Value& value);
  bool fits_members(const SchemaNode& node, const Value& map);
  bool check_kind(const SchemaNode& node, SchemaView view);
  bool check_integer(const SchemaNode& node, const Value& value);
  bool check_real(const SchemaNode& node, const Value& value);
  bool check_text(const SchemaNode& node, const Value& value);
  bool check_list(const SchemaNode& node, const Value& value);
  bool check_unique(const Value& list);
  bool check_map(const SchemaNode& node, SchemaView view);
  bool check_members(const SchemaNode& node, const Value& map, std::uint32_t& required);
  bool check_cells(const SchemaNode& node, const MapPart& map, std::uint32_t& required);
  bool check_member(const SchemaNode& node, const SchemaProperty* property, std::string_view key, SchemaView view);
  bool check_combined(const SchemaNode& node, SchemaView view);
  bool check_allowed(const SchemaNode& node, SchemaView view);
  bool fits_silently(SchemaId schema, SchemaView view);
  void report_missing(const SchemaNode& node, SchemaView view);
  void report_number(const SchemaNode& node, const Value& value);

  std::string wanted_of(std::span<const SchemaId> alternatives) const;
  static std::string wanted_of(std::span<const Value> allowed);
  std::string suggestion_for(const SchemaNode& node, std::string_view key) const;

  const SchemaWords& words_of(const SchemaNode& node) const noexcept {
    return program_.words[static_cast<std::size_t>(&node - program_.nodes.data())];
  }

  const SchemaProgram& program_;
  Report* report_ = nullptr;  // nullptr: the first thing wrong ends the check
  unsigned depth_ = 0;
  unsigned combined_ = 0;  // combinators around this node
  std::uint64_t repeated_steps_ = 0;
  bool is_exhausted_ = false;  // a bound was passed: the value does not fit, whatever a `not` says
};

}  // namespace theus
