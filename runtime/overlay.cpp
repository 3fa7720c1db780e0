#include "runtime/overlay.hpp"

#include "runtime/commit.hpp"
#include "runtime/value_path.hpp"

namespace theus {

std::optional<Value> Overlay::find(const Path& path) const {
  const auto segments = path.segments();
  const Node* node = &root_;
  for (std::size_t depth = 0; depth < segments.size(); ++depth) {
    if (node->state != State::untouched) {
      const auto value = value_of(*node, path.prefix(depth));
      const Value* below = value ? find_in(*value, segments.subspan(depth)) : nullptr;
      return below ? std::optional{*below} : std::nullopt;
    }
    const auto child = segments[depth].is_index() ? node->children.end() : node->children.find(segments[depth].key);
    if (child == node->children.end()) {
      read_mark_(path);
      return base_.find(path);
    }
    node = child->second.get();
  }
  return value_of(*node, path);
}

std::optional<Value> Overlay::value_of(const Node& node, const Path& path) const {
  switch (node.state) {
    case State::value: return node.value;
    case State::absent: return std::nullopt;
    case State::operations: {
      read_mark_(path);
      auto value = base_.find(path);
      for (const Write& write : node.operations)
        value = applied(write, value).value();
      return value;
    }
    case State::untouched: break;
  }
  read_mark_(path);
  auto value = base_.find(path);
  for (const auto& [key, child] : node.children) {
    const auto member = value_of(*child, path.key(key));
    if (member) {
      if (!value || !value->is_map())
        value = Value::map();
      value->set(key, *member);
    } else if (value && value->is_map()) {
      value->erase(key);
    }
  }
  return value;
}

Status Overlay::write(const Write& write) {
  if (write.path.is_root())
    return Error{Errc::bad_argument, "the root", "the state as a whole cannot be written", "Write one of its layers"};
  const auto segments = write.path.segments();
  Node* node = &root_;
  for (std::size_t depth = 0; depth < segments.size(); ++depth) {
    // What leads into a list, or into a value of this transaction's own, changes that value as a whole.
    if (node->state != State::untouched || segments[depth].is_index()) {
      if (auto settled = settle(*node, write.path.prefix(depth)); !settled)
        return settled;
      return write_value(*node, segments.subspan(depth), write);
    }
    auto& child = node->children[std::string{segments[depth].key}];
    if (child == nullptr)
      child = std::make_unique<Node>();
    node = child.get();
  }
  return write_here(*node, write);
}

Status Overlay::settle(Node& node, const Path& path) {
  if (node.state == State::value)
    return {};
  auto value = value_of(node, path);
  node.state = State::value;
  node.value = value ? *std::move(value) : Value::map();
  node.operations.clear();
  node.children.clear();
  return {};
}

Status Overlay::write_value(Node& node, std::span<const Segment> rest, const Write& write) {
  const Value* before = find_in(node.value, rest);
  auto after = applied(write, before ? std::optional{*before} : std::nullopt);
  if (!after)
    return after.error();
  if (!*after) {
    if (before != nullptr)
      node.value = without(node.value, rest);
    return {};
  }
  auto changed = with(node.value, rest, **after);
  if (!changed)
    return Error{changed.error().code(), write.path.text(), changed.error().cause(), changed.error().remedy()};
  node.value = *std::move(changed);
  return {};
}

Status Overlay::write_here(Node& node, const Write& write) {
  const bool replaces = write.kind == Write::Kind::set || write.kind == Write::Kind::erase;
  if (!replaces && (node.state == State::untouched || node.state == State::operations) && node.children.empty()) {
    // Try on the snapshot's value, without reading it in the sense of the contract: the operation stays one.
    auto value = base_.find(write.path);
    for (const Write& earlier : node.operations)
      value = applied(earlier, value).value();
    if (auto after = applied(write, value); !after)
      return after.error();
    node.state = State::operations;
    node.operations.push_back(write);
    return {};
  }
  std::optional<Value> before;
  if (!replaces)
    before = value_of(node, write.path);
  auto after = applied(write, before);
  if (!after)
    return after.error();
  node.operations.clear();
  node.children.clear();
  node.state = *after ? State::value : State::absent;
  node.value = after->value_or(Value{});
  return {};
}

bool Overlay::is_written(const Path& path) const noexcept {
  const Node* node = &root_;
  for (const Segment& segment : path.segments()) {
    if (node->state != State::untouched)
      return true;
    const auto child = segment.is_index() ? node->children.end() : node->children.find(segment.key);
    if (child == node->children.end())
      return false;
    node = child->second.get();
  }
  return true;
}

std::vector<Write> Overlay::writes() const {
  std::vector<Write> writes;
  collect(root_, Path{}, writes);
  return writes;
}

void Overlay::collect(const Node& node, const Path& path, std::vector<Write>& writes) const {
  switch (node.state) {
    case State::value:
      if (base_.find(path) != std::optional{node.value})
        writes.push_back(Write::set(path, node.value));
      break;
    case State::absent:
      if (base_.contains(path))
        writes.push_back(Write::erase(path));
      break;
    case State::operations: writes.insert(writes.end(), node.operations.begin(), node.operations.end()); break;
    case State::untouched:
      for (const auto& [key, child] : node.children)
        collect(*child, path.key(key), writes);
      break;
  }
}

}  // namespace theus
