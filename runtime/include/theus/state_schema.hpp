#pragma once

#include <theus/expression.hpp>
#include <theus/path.hpp>
#include <theus/schema.hpp>
#include <theus/snapshot.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

class Transaction;

/// What must hold between paths: named, since its name is what a refusal tells.
struct SchemaRule {
  std::string name;
  std::vector<Path> paths;
  /// Whether the values at the paths, in their order, may stand together; null where nothing stands. Called within
  /// every commit that touches one of the paths: a pure function, soon done, that calls no engine. An exception counts
  /// as a refusal.
  std::function<bool(std::span<const Value>)> holds;
};

/// How data of one version becomes data of a later one.
struct SchemaMigration {
  std::string name;
  std::int64_t from = 0;  ///< 0: data without a version
  std::int64_t to = 0;
  std::function<Status(Transaction&)> migrate;
};

/// What a whole state is to look like: schemas of paths, rules between paths, and a version with the ways that lead to
/// it. What stands at a path of a schema must fit it; a path may also be absent, unless a schema above requires it.
/// Paths without a schema are free.
///
/// A version above 0 is kept as ordinary state, at `global.schema_version`.
///
/// As a file, by custom `specs/context_schema.yaml`:
///
///   version: 2
///   definitions:                       # for $ref, in all paths
///     money: {type: integer, minimum: 0}
///   paths:
///     domain.balance: {$ref: '#/definitions/money'}
///     domain.orders: {type: array, items: {type: object, required: [id], properties: {id: {type: integer}}}}
///   rules:                             # expressions (<theus/expression.hpp>); nothing but the state decides
///     the total is the sum: domain.total == domain.left + domain.right
class StateSchema {
public:
  static constexpr std::size_t paths_max = 1000;
  static constexpr std::size_t rules_max = 64;

  explicit StateSchema(std::int64_t version = 0) noexcept : version_(version) {}

  /// Refuses with bad_schema: all findings at once, with line, column and suggestion, in the field `findings`.
  static Result<StateSchema> parse(std::string_view text, std::string_view file = {});
  static Result<StateSchema> load(const std::filesystem::path& file);

  /// Replaces the schema of the path, if it has one.
  StateSchema& at(const Path& path, Schema schema);
  template <class T>
  StateSchema& at(const Path& path) {
    return at(path, Schema::of<T>());
  }
  StateSchema& rule(std::string name, std::vector<Path> paths, std::function<bool(std::span<const Value>)> holds);
  StateSchema& rule(std::string name, Expression condition);
  StateSchema& migration(std::string name, std::int64_t from, std::int64_t to,
                         std::function<Status(Transaction&)> migrate);

  /// Takes over all that the other has; its schemas and its version, if it has one, replace those that were there.
  StateSchema& join(const StateSchema& other);

  std::int64_t version() const noexcept { return version_; }
  const std::map<Path, Schema>& schemas() const noexcept { return schemas_; }
  const std::vector<SchemaRule>& rules() const noexcept { return rules_; }
  const std::vector<std::pair<std::string, Expression>>& conditions() const noexcept { return conditions_; }
  const std::vector<SchemaMigration>& migrations() const noexcept { return migrations_; }
  bool empty() const noexcept { return schemas_.empty() && rules_.empty() && conditions_.empty(); }

  /// Whether the state fits, as Schema::check() tells it; refuses with bad_schema what Engine::set_schema() would.
  Status check(const Snapshot& state) const;
  /// Of one layer or value that stands at the path in an otherwise empty state.
  Status check(const Path& path, const Value& value) const;

  /// As a file's content, but for rules and migrations that are functions.
  Value document() const;

private:
  std::int64_t version_;
  std::map<Path, Schema> schemas_;
  std::vector<SchemaRule> rules_;
  std::vector<std::pair<std::string, Expression>> conditions_;
  std::vector<SchemaMigration> migrations_;
};

/// A header of C++ structs with THEUS_FIELDS and THEUS_CONSTRAINTS, and of a function `context_schema()` that makes the
/// same state schema of them. What no struct can express becomes a theus::Value with its schema as a constraint.
Result<std::string> schema_code(const StateSchema& schema, std::string_view header_namespace);

/// The schema of version 1 that a state (as one map) fits, as a draft to be edited: each layer of the data zone with
/// its members and kinds, no bounds.
StateSchema inferred_state_schema(const Value& state);

/// A document as YAML, as read by Schema::parse() and StateSchema::parse().
std::string schema_yaml(const Value& document);

}  // namespace theus
