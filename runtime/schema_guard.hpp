#pragma once

#include "runtime/proposal.hpp"
#include "runtime/schema_check.hpp"

#include <theus/state_schema.hpp>

#include <functional>
#include <optional>

namespace theus {

/// A state schema as commits are checked with it: a tree of the paths that schemas and rules are about. Immutable.
class SchemaGuard {
public:
  /// Calls a predicate of the user's, who may throw.
  using CallUser = std::function<Status(const std::function<void()>&)>;

  /// Refuses (bad_schema) paths through list elements and too many of anything. `call` is asked for each predicate.
  static Result<std::shared_ptr<const SchemaGuard>> compile(const StateSchema& schema, CallUser call);

  /// Whether the state that the writes lead to fits, as far as they can have changed that. `before` is the state they
  /// were applied to, which fits. `finite` tells that no number in them is anything else. Refuses with
  /// schema_violation, which tells all that is wrong. Costs what the schemas say of the written values, and of the
  /// maps around them when these are more than properties.
  Status check(const Root& before, const Root& after, std::span<const Write> writes, bool finite) const;
  /// Whether the whole state fits.
  Status check_all(const Root& state, bool finite) const;

  /// What it was compiled from.
  const StateSchema& schema() const noexcept { return source_; }
  bool allows_non_finite() const noexcept { return has_non_finite_; }
  bool has_secrets() const noexcept { return has_secrets_; }
  /// The value, which stands at the path, with "(secret)" for what is.
  Value redacted(const Path& path, const Value& value) const;

private:
  /// One step of the paths that are guarded.
  struct Step {
    std::string key;
    std::uint64_t hash = 0;
    std::uint32_t schema = none;  // of schemas_, that stands here
    std::uint64_t rules = 0;      // that have a path which ends here, as bits
    std::vector<std::uint32_t> below{};
  };
  struct Guarded {
    Path path;
    Schema schema;
    std::shared_ptr<const SchemaProgram> program;
  };
  struct Rule {
    std::string name;
    std::vector<Path> paths;
    std::function<Result<bool>(std::span<const std::optional<Value>>)> holds;
  };
  struct Change;
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  SchemaGuard() : steps_(1) {}

  std::uint32_t step_at(const Path& path);
  const Step* find_known(std::uint32_t at, const Segment& segment) const noexcept;
  const Step* find_below(const Step& step, const Segment& segment) const noexcept;
  /// Calls pass(guarded) for each schema that a change of the path concerns, until one of them returns false. Adds the
  /// rules that it concerns.
  template <class Pass>
  bool visit(const Path& path, std::uint64_t& rules, const Pass& pass) const;
  template <class Pass>
  bool visit_below(const Step& step, std::uint64_t& rules, const Pass& pass) const;
  bool fits(const Guarded& guarded, const Change& change) const;
  Status verdict(std::vector<std::uint32_t> concerned, std::uint64_t rules, const Root& state,
                 Violations violations) const;
  void report(const Guarded& guarded, const Root& state, Violations& violations) const;
  void check_rule(const Rule& rule, const Root& state, Violations& violations) const;
  void check_finite(const Path& at, const Value& value, Violations& violations) const;
  bool may_be_non_finite(const Path& path) const;
  bool is_secret(const Path& path) const;

  StateSchema source_;
  std::vector<Step> steps_;  // the first one is the root
  std::vector<Guarded> schemas_;
  std::vector<Rule> rules_;
  bool has_non_finite_ = false;
  bool has_secrets_ = false;
};

/// What the program of a schema is, for the code that runs it.
class SchemaAccess {
public:
  static const std::shared_ptr<const SchemaProgram>& program(const Schema& schema) noexcept;
  static Schema make(std::shared_ptr<const SchemaProgram> program, Value document);
};

/// What a violation of the state is answered with.
inline constexpr const char* schema_remedy = "Nothing was written; write values that the schema allows";

}  // namespace theus
