#include "runtime/state_memory.hpp"

#include <algorithm>
#include <new>

namespace theus {
namespace {

std::size_t bytes_of(const Trie& trie) noexcept { return sizeof(Trie) + trie.count * sizeof(Slot); }
std::size_t bytes_of(const Key& key) noexcept { return sizeof(Key) + key.length; }

// What a value holds outside its sixteen bytes; shared parts count for each that shares them.
std::size_t estimated_bytes(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::string:
    case Value::Kind::bytes: return value.size() < sizeof(Value) ? 0 : value.size();
    case Value::Kind::list: return value.size() * sizeof(Value);
    case Value::Kind::map: return 2 * value.size() * sizeof(Value);
    case Value::Kind::null:
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::real:
    case Value::Kind::heavy: return 0;
  }
  return 0;
}

// Gives a piece of pool memory back unless it was taken over.
class Piece {
public:
  Piece(NodePool& pool, std::size_t bytes) : pool_(pool), bytes_(bytes), memory_(pool.allocate(bytes)) {}
  ~Piece() {
    if (memory_ != nullptr)
      pool_.free(memory_, bytes_);
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  void* take() noexcept { return std::exchange(memory_, nullptr); }

private:
  NodePool& pool_;
  std::size_t bytes_;
  void* memory_;
};

}  // namespace

StateMemory::StateMemory() {
  begin_edit(0);
  Root* empty = make_root();
  fresh_.clear();
  publish(empty);
}

StateMemory::~StateMemory() {
  for (const Retired& entry : retired_)
    free(entry.node, entry.kind);
  for (const Retired& entry : looked_at_)
    free(entry.node, entry.kind);
  for (const auto& [version, held] : held_)
    for (const Retired& entry : held.nodes)
      free(entry.node, entry.kind);
  const Root* last = published();
  free_tree(last->map.children);
  free(const_cast<Root*>(last), Kind::root);
}

void StateMemory::orphan() noexcept {
  if (pins_.close())
    delete this;
}

void StateMemory::release(SnapshotPins::Slot* slot) noexcept {
  if (pins_.release(slot))
    delete this;
}

Cell* StateMemory::make_cell(std::string_view text, std::uint64_t hash) {
  Piece key_memory{pool_, sizeof(Key) + text.size()};
  void* memory = make_node(sizeof(Cell), Kind::cell);
  auto* key = new (key_memory.take()) Key{hash, 1, static_cast<std::uint32_t>(text.size())};
  std::memcpy(key->bytes(), text.data(), text.size());
  return new (memory) Cell{editing_, editing_, key, false, Value{}, MapPart{}};
}

Trie* StateMemory::make_trie(std::uint32_t slots) {
  auto* trie = new (make_node(sizeof(Trie) + slots * sizeof(Slot), Kind::trie)) Trie{editing_, 0, slots};
  std::uninitialized_default_construct_n(trie->slots(), slots);
  return trie;
}

void StateMemory::retire_below(Slot slot) {
  if (slot.is_empty())
    return;
  if (!slot.is_trie()) {
    if (slot.cell()->is_map)
      retire_below(slot.cell()->map.children);
    retire(slot.cell());
    return;
  }
  Trie* trie = slot.trie();
  for (std::uint32_t i = 0; i < trie->count; ++i)
    retire_below(trie->slots()[i]);
  retire(trie);
}

void StateMemory::drop_edit() noexcept {
  retired_.resize(retired_before_edit_);
  for (const auto& [node, kind] : fresh_)
    free(node, kind);
  fresh_.clear();
}

void StateMemory::reclaim_some(Time now) noexcept try { reclaim(now); } catch (const std::bad_alloc&) {
}

void StateMemory::reclaim(Time now) {
  const std::vector<Version> pinned = pinned_versions();
  if (const auto end = first_unpublished(); looked_at_.empty() && end == retired_.end()) {
    looked_at_.swap(retired_);
  } else {
    looked_at_.insert(looked_at_.end(), retired_.begin(), end);
    retired_.erase(retired_.begin(), end);
  }
  next_look_ = retired_.size() + std::max(look_interval, look_interval_per_pin * pinned.size());
  // Nodes whose pin has gone are looked at again, together with the new ones.
  for (auto held = held_.begin(); held != held_.end();) {
    if (std::ranges::binary_search(pinned, held->first)) {
      ++held;
    } else {
      looked_at_.insert(looked_at_.end(), held->second.nodes.begin(), held->second.nodes.end());
      held = held_.erase(held);
    }
  }
  // Mostly there is no pin, and the published root needs nothing that is retired.
  if (pinned.size() == 1) {
    for (const Retired& entry : looked_at_)
      free(entry.node, entry.kind);
    looked_at_.clear();
  }
  // Taken off one by one, so that none is lost or settled twice when memory runs out in between.
  for (; !looked_at_.empty(); looked_at_.pop_back())
    settle(pinned, looked_at_.back(), now);
}

std::vector<StateMemory::Retired>::iterator StateMemory::first_unpublished() noexcept {
  const Version version = published()->version;
  if (retired_.empty() || retired_.back().retired <= version) [[likely]]
    return retired_.end();
  return std::ranges::upper_bound(retired_, version, {}, &Retired::retired);
}

void StateMemory::rewind(const Root* newest) noexcept {
  const Version version = published()->version;
  if (newest->version == version)
    return;
  const auto first = first_unpublished();
  for (auto entry = first; entry != retired_.end(); ++entry)
    if (entry->born > version)
      free(entry->node, entry->kind);
  retired_.erase(first, retired_.end());
  free_younger(newest->map.children, version);
  free(const_cast<Root*>(newest), Kind::root);
}

/// The versions that somebody can still read, ascending. A pin names a root by its address; the root is the
/// published one, one that was retired since the last look, one that a look cut short has left, or one that is held.
std::vector<Version> StateMemory::pinned_versions() {
  // Orders what was published before the looks at the slots: a reader whose pin is missed sees this root or a newer
  // one.
  const Root* const newest = published_.exchange(published(), std::memory_order_seq_cst);
  std::vector<const void*> roots;
  pins_.for_each([&](const Root* root) { roots.push_back(root); });
  if (roots.empty())
    return {newest->version};
  std::ranges::sort(roots);
  const auto is_pinned = [&](const void* root) { return std::ranges::binary_search(roots, root); };

  std::vector<Version> versions{newest->version};
  for (const auto& [version, held] : held_)
    if (is_pinned(held.root))
      versions.push_back(version);
  for (const auto* entries : {&retired_, &looked_at_})
    for (const Retired& entry : *entries)
      if (entry.kind == Kind::root && is_pinned(entry.node))
        versions.push_back(entry.born);
  std::ranges::sort(versions);
  return versions;
}

void StateMemory::settle(const std::vector<Version>& pinned, const Retired& entry, Time now) {
  const auto needed_by = std::ranges::lower_bound(pinned, entry.born);
  if (needed_by == pinned.end() || *needed_by >= entry.retired)
    return free(entry.node, entry.kind);
  Held& held = held_.try_emplace(*needed_by, Held{now}).first->second;
  held.nodes.push_back(entry);
  held.bytes += retained_bytes_of(entry);
  if (entry.kind == Kind::root)
    held.root = static_cast<const Root*>(entry.node);
}

StateMemory::Retained StateMemory::retained() const noexcept {
  if (held_.empty())
    return {};
  const auto& [oldest, held] = *held_.begin();
  Retained sum{.versions = held_.size(), .oldest_version = oldest, .oldest_since = held.since};
  for (const auto& [version, each] : held_)
    sum.bytes += each.bytes;
  return sum;
}

std::size_t StateMemory::retained_bytes_of(const Retired& entry) noexcept {
  switch (entry.kind) {
    case Kind::cell: return sizeof(Cell) + estimated_bytes(static_cast<const Cell*>(entry.node)->value);
    case Kind::trie: return bytes_of(*static_cast<const Trie*>(entry.node));
    case Kind::root: return sizeof(Root);
  }
  return 0;
}

std::size_t StateMemory::retired_nodes() const noexcept {
  std::size_t nodes = retired_.size() + looked_at_.size();
  for (const auto& [version, held] : held_)
    nodes += held.nodes.size();
  return nodes;
}

void StateMemory::free(void* node, Kind kind) noexcept {
  switch (kind) {
    case Kind::cell: {
      auto* cell = static_cast<Cell*>(node);
      release_key(cell->key);
      cell->~Cell();
      pool_.free(cell, sizeof(Cell));
      break;
    }
    case Kind::trie: {
      auto* trie = static_cast<Trie*>(node);
      pool_.free(trie, bytes_of(*trie));
      break;
    }
    case Kind::root: pool_.free(node, sizeof(Root)); break;
  }
}

void StateMemory::free_tree(Slot slot) noexcept {
  if (slot.is_empty())
    return;
  if (!slot.is_trie()) {
    free_tree(slot.cell()->map.children);
    free(slot.cell(), Kind::cell);
    return;
  }
  Trie* trie = slot.trie();
  for (std::uint32_t i = 0; i < trie->count; ++i)
    free_tree(trie->slots()[i]);
  free(trie, Kind::trie);
}

/// What an edit makes hangs on what the same or a later one made, so nothing younger stands below something older.
void StateMemory::free_younger(Slot slot, Version than) noexcept {
  if (slot.is_empty())
    return;
  if (!slot.is_trie()) {
    if (slot.cell()->born <= than)
      return;
    free_younger(slot.cell()->map.children, than);
    free(slot.cell(), Kind::cell);
    return;
  }
  Trie* trie = slot.trie();
  if (trie->born <= than)
    return;
  for (std::uint32_t i = 0; i < trie->count; ++i)
    free_younger(trie->slots()[i], than);
  free(trie, Kind::trie);
}

void StateMemory::release_key(Key* key) noexcept {
  if (--key->references == 0)
    pool_.free(key, bytes_of(*key));
}

}  // namespace theus
