#include "runtime/zone_set.hpp"

#include "runtime/small_stack.hpp"
#include "runtime/value_node.hpp"

namespace theus {
namespace {

// Told apart from the zones: that of data, which no set has.
constexpr std::uint8_t known = 1;

bool is_known(const SequenceNode* node) noexcept { return node->zones.load(std::memory_order_relaxed) != 0; }

ZoneSet zones_of(const SequenceNode* node) noexcept {
  return ZoneSet::from_bits(node->zones.load(std::memory_order_relaxed));
}

// A node of a map whose slots are being looked at, inner ones and entries alike.
struct Visit {
  SequenceNode* node;
  unsigned next = 0;
  ZoneSet found{};
};

// The node below the next slot; nullptr when that leads to no map.
SequenceNode* enter_slot(Visit& visit) noexcept {
  const unsigned slot = visit.next++;
  if (visit.node->height > 0)
    return visit.node->children()[slot];
  const Entry& entry = static_cast<Map::Node*>(visit.node)->items()[slot];
  visit.found.add(zone_of_key(entry.key.as_string()));
  return entry.item.is_map() ? root_of(entry.item) : nullptr;
}

}  // namespace

ZoneSet zones_named_on(const Path& path) noexcept {
  ZoneSet zones;
  for (const Segment& segment : path.segments())
    zones.add(zone_of_key(segment.key));
  return zones;
}

ZoneSet zones_in_map(const Value& map) {
  SequenceNode* const root = root_of(map);
  if (root == nullptr)
    return {};
  if (is_known(root))
    return zones_of(root);
  SmallStack<Visit, 16> visits;
  for (visits.push({root});;) {
    Visit& visit = visits.top();
    if (visit.next < visit.node->count) {
      if (SequenceNode* below = enter_slot(visit); below != nullptr) {
        if (is_known(below))
          visit.found |= zones_of(below);
        else
          visits.push({below});
      }
      continue;
    }
    const ZoneSet found = visit.found;
    // Relaxed: it tells of contents that every owner sees already, and whoever else computes it gets the same.
    visit.node->zones.store(static_cast<std::uint8_t>(found.bits() | known), std::memory_order_relaxed);
    visits.pop();
    if (visits.empty())
      return found;
    visits.top().found |= found;
  }
}

}  // namespace theus
