#pragma once

#include <theus/value.hpp>

#include "runtime/sequence.hpp"

namespace theus {

/// A member of a map. Members walks runs of entries as pairs of Values.
struct Entry {
  Value key;
  Value item;
};
static_assert(sizeof(Entry) == 2 * sizeof(Value));

using List = Sequence<Value>;
using Map = Sequence<Entry>;

/// Bytes too long to stand inline; they follow in memory.
struct Blob {
  std::atomic<std::uint32_t> references{1};
  std::size_t size = 0;

  std::byte* content() { return reinterpret_cast<std::byte*>(this + 1); }
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
};

/// A heavy reference and what keeps alive the buffer that it names, if anything does.
struct HeavyNode : Blob {
  HeavyRef ref;
  std::shared_ptr<const void> keeper;
};

inline bool is_container(const Value& value) noexcept { return value.is_list() || value.is_map(); }

/// The root of a list or map, nullptr when it is empty.
inline SequenceNode* root_of(const Value& container) noexcept {
  assert(is_container(container));
  return container.payload<SequenceNode*>();
}

struct ValueRun {
  const Value* first;
  std::size_t count;
};

/// The values from item `index` to the end of its leaf; keys and items in turn for a map.
inline ValueRun values_at(const SequenceNode* root, std::size_t index) noexcept {
  if (root->item_words * 8U == sizeof(Value)) {
    const List::Run run = List::run_at(static_cast<const List::Node*>(root), index);
    return {run.first, static_cast<std::size_t>(run.last - run.first)};
  }
  const Map::Run run = Map::run_at(static_cast<const Map::Node*>(root), index);
  return {&run.first->key, 2 * static_cast<std::size_t>(run.last - run.first)};
}

}  // namespace theus
