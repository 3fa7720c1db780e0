#pragma once

#include <theus/expression.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace theus::yaml {

struct Field;

/// A node of a document that was read strictly: no aliases, tags or duplicate keys, at most 64 levels deep.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  bool plain = false;       // a scalar without quotes, whose text decides its type
  TextPosition at;          // where the node begins
  TextPosition content_at;  // where its text begins: after a quote, in the line after | or >
  std::string text;
  std::vector<Node> items;
  std::vector<Field> members;

  bool is_scalar() const noexcept { return kind == Kind::scalar; }
  bool is_list() const noexcept { return kind == Kind::list; }
  bool is_map() const noexcept { return kind == Kind::map; }

  /// The member of that key, or nullptr.
  const Field* find(std::string_view key) const noexcept;
};

struct Field {
  std::string key;
  TextPosition at;
  Node node;
};

/// "nothing", "text" or another scalar, "a list", "a map": for errors.
std::string_view describe(const Node& node) noexcept;

}  // namespace theus::yaml
