#include "runtime/overlay.hpp"

#include "runtime/commit.hpp"
#include "runtime/snapshot_access.hpp"
#include "runtime/tree_editor.hpp"
#include "runtime/value_path.hpp"

namespace theus {

const Overlay::Node* Overlay::child_of(const Node* node, const Segment& segment) noexcept {
  if (node == nullptr || segment.is_index())
    return nullptr;
  const auto child = node->children.find(segment.key);
  return child == node->children.end() ? nullptr : child->second.get();
}

Overlay::Node& Overlay::make(const Path& path) {
  Node* node = &root_;
  for (const Segment& segment : path.segments()) {
    auto& child = node->children[std::string{segment.key}];
    if (child == nullptr)
      child = std::make_unique<Node>();
    node = child.get();
  }
  return *node;
}

std::optional<Value> Overlay::find(const Path& path) const {
  const auto segments = path.segments();
  const Node* node = &root_;
  for (std::size_t depth = 0; depth < segments.size(); ++depth) {
    if (node->state != State::untouched) {
      const auto value = value_of(node, path.prefix(depth));
      const Value* below = value ? find_in(*value, segments.subspan(depth)) : nullptr;
      return below ? std::optional{*below} : std::nullopt;
    }
    node = child_of(node, segments[depth]);
    if (node == nullptr)
      break;
  }
  return value_of(node, path);
}

std::optional<Value> Overlay::value_of(const Node* node, const Path& path) const {
  const State state = node == nullptr ? State::untouched : node->state;
  switch (state) {
    case State::value: return node->value;
    case State::absent: return std::nullopt;
    case State::operations: read_mark_(path); return node->value;
    case State::untouched: break;
  }
  read_mark_(path);
  auto value = SnapshotAccess::find(base_, path);
  if (node == nullptr)
    return value;
  for (const auto& [key, child] : node->children) {
    if (const auto member = value_of(child.get(), path.key(key))) {
      if (!value)
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
  const Node* node = &root_;
  std::size_t depth = 0;
  const auto hides = [](const Node* at) { return at != nullptr && at->state != State::untouched; };
  while (depth < segments.size() && !segments[depth].is_index() && !hides(node))
    node = child_of(node, segments[depth++]);
  // What leads into a list, or into a value of this transaction's own, changes that value as a whole.
  if (depth < segments.size())
    return write_inside(node, write.path.prefix(depth), segments.subspan(depth), write);
  return write_whole(node, write);
}

Status Overlay::write_inside(const Node* node, const Path& path, std::span<const Segment> rest, const Write& write) {
  const auto whole = value_of(node, path);
  const Value* before = whole ? find_in(*whole, rest) : nullptr;
  auto after = applied(write, before ? std::optional{*before} : std::nullopt);
  if (!after)
    return after.error();
  if (!*after && before == nullptr)
    return {};
  if (!whole)
    if (auto status = possible(path); !status)
      return status;
  auto changed = *after ? with(whole.value_or(Value::map()), rest, **after) : Result<Value>{without(*whole, rest)};
  if (!changed)
    return Error{changed.error().code(), write.path.text(), changed.error().cause(), changed.error().remedy()};
  make(path) = Node{.state = State::value, .path = path, .value = *std::move(changed)};
  return {};
}

Status Overlay::write_whole(const Node* node, const Write& write) {
  const bool replaces = write.kind == Write::Kind::set || write.kind == Write::Kind::erase;
  const bool operates = node == nullptr || node->state == State::operations ||
                        (node->state == State::untouched && node->children.empty());
  if (!replaces && operates)
    return operate(node, write);
  auto after = applied(write, replaces ? std::nullopt : value_of(node, write.path));
  if (!after)
    return after.error();
  if (*after)
    if (auto status = possible(write.path); !status)
      return status;
  const State state = *after ? State::value : State::absent;
  make(write.path) = Node{.state = state, .path = write.path, .value = after->value_or(Value{})};
  return {};
}

/// Tries the operation on the snapshot's value, without reading it in the sense of the contract.
Status Overlay::operate(const Node* node, const Write& write) {
  const bool first = node == nullptr || node->state != State::operations;
  auto after = applied(write, first ? SnapshotAccess::find(base_, write.path) : std::optional{node->value});
  if (!after)
    return after.error();
  if (auto status = possible(write.path); !status)
    return status;
  Node& own = make(write.path);
  own.operations.push_back(write);
  own.state = State::operations;
  own.value = **std::move(after);
  return {};
}

/// Whether the snapshot lets something stand at the path. Asked where no own write hides what is above.
Status Overlay::possible(const Path& path) const {
  return TreeEditor::can_set(locate(SnapshotAccess::root(base_), path.segments()), path);
}

bool Overlay::is_written(const Path& path) const noexcept {
  const Node* node = &root_;
  for (const Segment& segment : path.segments()) {
    if (node->state != State::untouched)
      return true;
    node = child_of(node, segment);
    if (node == nullptr)
      return false;
  }
  return true;
}

std::vector<Write> Overlay::writes() const {
  std::vector<Write> writes;
  collect(root_, writes);
  return writes;
}

void Overlay::collect(const Node& node, std::vector<Write>& writes) const {
  switch (node.state) {
    case State::value:
      if (SnapshotAccess::find(base_, node.path) != std::optional{node.value})
        return writes.push_back(Write::set(node.path, node.value));
      return read_mark_(node.path);
    case State::absent:
      if (locate(SnapshotAccess::root(base_), node.path.segments()).exists)
        return writes.push_back(Write::erase(node.path));
      return read_mark_(node.path);
    case State::operations: writes.insert(writes.end(), node.operations.begin(), node.operations.end()); return;
    case State::untouched: break;
  }
  for (const auto& [key, child] : node.children)
    collect(*child, writes);
}

}  // namespace theus
