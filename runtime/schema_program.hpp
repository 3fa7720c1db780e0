#pragma once

// The compiled form of a schema: nodes in one flat table that refer to each other by number, so that checking a value
// follows numbers and allocates nothing. A `$ref` is no node; it is the number of its target, and so may lead back.
//
// Invariants:
//   (1) Properties stand in canonical key order, so that those of a map are met in one pass over both.
//   (2) Every cycle of nodes passes through a property, an element or a member: it ends where the value ends.
//   (3) Immutable once compiled, so any thread may check with it.

#include <theus/value.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace theus {

using SchemaId = std::uint32_t;
/// Accepts everything; stands for `true` and for what no schema speaks of.
inline constexpr SchemaId any_value = std::numeric_limits<SchemaId>::max();
/// Accepts nothing; stands for `false`.
inline constexpr SchemaId no_value = any_value - 1;

/// Entries of one of the program's tables.
struct SchemaRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

struct SchemaProperty {
  std::string key;
  std::uint64_t hash = 0;
  SchemaId schema = any_value;
  bool is_declared = false;  // by `properties`; otherwise by `required` alone
  bool is_required = false;
};

struct SchemaNode {
  // Of any value.
  std::uint16_t kinds = 0x1ff;  // a bit for each Value::Kind
  bool is_secret = false;
  bool allows_non_finite = false;
  bool unique_items = false;
  /// Whether a change below can make the value unfit by something else than the changed part.
  bool is_whole = false;
  bool has_text_bounds = false;
  bool has_multiple_of = false;

  // Of numbers: integers by the first pair, reals by the second.
  std::int64_t integer_least = std::numeric_limits<std::int64_t>::min();
  std::int64_t integer_greatest = std::numeric_limits<std::int64_t>::max();
  double real_least = -std::numeric_limits<double>::infinity();
  double real_greatest = std::numeric_limits<double>::infinity();
  bool is_real_least_open = false;
  bool is_real_greatest_open = false;

  std::size_t characters_least = 0;
  std::size_t characters_greatest = std::numeric_limits<std::size_t>::max();
  const re2::RE2* pattern = nullptr;

  std::size_t items_least = 0;
  std::size_t items_greatest = std::numeric_limits<std::size_t>::max();
  SchemaRange tuple;           // of `alternatives`: one for each of the first elements
  SchemaId items = any_value;  // of all further elements

  std::size_t members_least = 0;
  std::size_t members_greatest = std::numeric_limits<std::size_t>::max();
  SchemaRange properties;
  std::uint32_t required_count = 0;
  SchemaId additional = any_value;

  // Of `alternatives`.
  SchemaRange all_of;
  SchemaRange any_of;
  SchemaRange one_of;
  SchemaId negated = any_value;  // any_value: no `not`
  SchemaRange allowed;           // of `values`: enum or const
  bool has_allowed = false;

  bool accepts(Value::Kind kind) const noexcept { return ((kinds >> static_cast<unsigned>(kind)) & 1) != 0; }
};

/// What errors tell of a node: as it was written.
struct SchemaWords {
  std::string title;
  Value minimum;
  Value maximum;
  Value above;        // exclusiveMinimum
  Value below;        // exclusiveMaximum
  Value multiple_of;  // null: none
  std::string pattern;

  bool is_unbounded() const noexcept {
    return minimum.is_null() && maximum.is_null() && above.is_null() && below.is_null();
  }
};

struct SchemaProgram {
  SchemaProgram();
  ~SchemaProgram();
  SchemaProgram(const SchemaProgram&) = delete;
  SchemaProgram& operator=(const SchemaProgram&) = delete;

  std::vector<SchemaNode> nodes;
  std::vector<SchemaWords> words;  // of each node
  std::vector<SchemaProperty> properties;
  std::vector<std::uint32_t> by_hash;  // properties of each node again, in order of their hashes
  std::vector<SchemaId> alternatives;
  std::vector<Value> values;
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  SchemaId root = any_value;
  bool has_non_finite = false;
  bool has_secrets = false;

  /// The property of that key, or nullptr.
  const SchemaProperty* find(const SchemaNode& node, std::string_view key, std::uint64_t hash) const noexcept;
  /// What applies to a member of that key: its property, or else what applies to additional ones.
  SchemaId member(const SchemaNode& node, std::string_view key, std::uint64_t hash) const noexcept {
    const SchemaProperty* property = find(node, key, hash);
    return property != nullptr && property->is_declared ? property->schema : node.additional;
  }
  SchemaId item(const SchemaNode& node, std::size_t index) const noexcept {
    return index < node.tuple.count ? alternatives[node.tuple.first + index] : node.items;
  }
};

}  // namespace theus
