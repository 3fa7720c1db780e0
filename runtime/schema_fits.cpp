// The way of a check that reports nothing, for what most values and schemas are.

#include "runtime/schema_check.hpp"
#include "runtime/value_build.hpp"
#include "runtime/value_node.hpp"

#include <cstring>

namespace theus {
namespace {

/// Keys are short: comparing them in place takes less time than a call.
bool is_same(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size())
    return false;
  const auto is_same_at = [&]<class Word>(std::size_t at, Word) {
    Word words[2];
    std::memcpy(&words[0], a.data() + at, sizeof(Word));
    std::memcpy(&words[1], b.data() + at, sizeof(Word));
    return words[0] == words[1];
  };
  const auto is_same_in = [&](auto word) { return is_same_at(0, word) && is_same_at(size - sizeof word, word); };
  if (size > 2 * sizeof(std::uint64_t) || size == 0)
    return a == b;
  return size >= sizeof(std::uint64_t)   ? is_same_in(std::uint64_t{})
         : size >= sizeof(std::uint32_t) ? is_same_in(std::uint32_t{})
         : size >= sizeof(std::uint16_t) ? is_same_in(std::uint16_t{})
                                         : a.front() == b.front();
}

}  // namespace

/// What check() says, of what most values and schemas are, without what only reports need. REQUIRES: no report and no
/// combinators around.
bool SchemaCheck::fits_whole(SchemaId schema, const Value& value) {
  if (schema >= no_value)
    return schema == any_value;
  const SchemaNode& node = program_.nodes[schema];
  if (node.is_whole || depth_ == depth_max) [[unlikely]]
    return check(schema, SchemaView::of(value));
  const Value::Kind kind = value.kind();
  if (!node.accepts(kind))
    return false;
  switch (kind) {
    case Value::Kind::integer: return check_integer(node, value);
    case Value::Kind::real: return check_real(node, value);
    case Value::Kind::string: return !node.has_text_bounds || check_text(node, value);
    case Value::Kind::list: return check(schema, SchemaView::of(value));
    case Value::Kind::map: return fits_members(node, value);
    default: return true;
  }
}

bool SchemaCheck::fits_members(const SchemaNode& node, const Value& map) {
  const SequenceNode* const root = root_of(map);
  const std::size_t size = root == nullptr ? 0 : root->size;
  if (size < node.members_least || size > node.members_greatest)
    return false;
  if (node.properties.count == 0 && node.additional == any_value)
    return true;
  const SchemaProperty* at = program_.properties.data() + node.properties.first;
  const SchemaProperty* const end = at + node.properties.count;
  std::uint32_t required = 0;
  ++depth_;
  bool good = true;
  for (std::size_t visited = 0; visited < size && good;) {
    const ValueRun run = values_at(root, visited);
    visited += run.count / 2;
    for (const Value* member = run.first; member != run.first + run.count && good; member += 2) {
      const std::string_view key = member->as_string();
      // Most maps have just the keys that the schema names, in the same order.
      if (at != end && !is_same(at->key, key))
        while (at != end && key_before(at->key, key))
          ++at;
      SchemaId schema = node.additional;
      if (at != end && is_same(at->key, key)) {
        required += at->is_required ? 1 : 0;
        schema = at->is_declared ? at->schema : schema;
        ++at;
      }
      good = fits_whole(schema, member[1]);
    }
  }
  --depth_;
  return good && required >= node.required_count;
}

}  // namespace theus
