#pragma once

#include "runtime/node_pool.hpp"
#include "runtime/snapshot_pins.hpp"
#include "runtime/state_tree.hpp"

#include <atomic>
#include <cassert>
#include <chrono>
#include <map>
#include <vector>

namespace theus {

/// The memory of a state: its nodes, who pins which version, and what may be freed.
///
/// A node born at version b and retired at version r is read by snapshots of b <= v < r only. It is freed when no pin
/// lies in that interval, so one old pin keeps only the nodes of its own version, whatever has been committed since.
/// Versions may be built ahead of the published one; what they retire stays until they are published.
/// All members but pin() and release() belong to the holder of the commit turn.
class StateMemory {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Lives until orphan() was called and the last pin is released.
  static StateMemory* make() { return new StateMemory; }
  StateMemory(const StateMemory&) = delete;
  StateMemory& operator=(const StateMemory&) = delete;

  /// No commits and no new pins will come.
  void orphan() noexcept;

  // Nodes born at `version`; between begin_edit and keep_edit or drop_edit. Throw bad_alloc.
  void begin_edit(Version version) noexcept {
    assert(fresh_.empty());
    editing_ = version;
    retired_before_edit_ = retired_.size();
  }
  Cell* make_cell(std::string_view key, std::uint64_t hash);
  /// A leaf with the key of another cell.
  Cell* make_leaf_like(const Cell& other, Value&& value) {
    void* memory = make_node(sizeof(Cell), Kind::cell);
    ++other.key->references;
    return new (memory) Cell{editing_, editing_, other.key, false, std::move(value), MapPart{}};
  }
  Cell* copy_cell(const Cell& original) {
    void* memory = make_node(sizeof(Cell), Kind::cell);
    ++original.key->references;
    return new (memory) Cell{editing_, original.changed, original.key, original.is_map, original.value, original.map};
  }
  Trie* make_trie(std::uint32_t slots);
  Root* make_root() { return new (make_node(sizeof(Root), Kind::root)) Root{editing_, editing_, {}}; }

  // A node that is not part of the version being built, but perhaps of older ones.
  void retire(Cell* cell) { retire(Retired{cell, cell->born, editing_, Kind::cell}); }
  void retire(Trie* trie) { retire(Retired{trie, trie->born, editing_, Kind::trie}); }
  void retire_below(Slot slot);

  /// Ends the edit: its nodes stay, and `before` is retired.
  void keep_edit(Root* before) {
    retire(Retired{before, before->version, editing_, Kind::root});
    fresh_.clear();
  }
  /// Ends the edit as if it had not begun: its nodes are freed, what it retired is not.
  void drop_edit() noexcept;

  /// From now on readers pin this root. REQUIRES: its edit was kept.
  /// Need not be sequentially consistent: a look at the pins begins with a store that is.
  void publish(const Root* root) noexcept { published_.store(root, std::memory_order_release); }
  const Root* published() const noexcept { return published_.load(std::memory_order_relaxed); }

  /// Pins the published root; nullptr when there are too many pins. Any thread.
  SnapshotPins::Slot* pin() { return pins_.pin(published_); }
  /// Any thread.
  void release(SnapshotPins::Slot* slot) noexcept;
  const SnapshotPins& pins() const noexcept { return pins_; }

  /// Frees the versions that were built after the published one, of which `newest` is the last: the published root is
  /// again what the next edit begins with.
  void rewind(const Root* newest) noexcept;

  /// Whether enough was retired to look what can be freed: the cost of one look is spread over many commits.
  bool is_look_due() const noexcept { return retired_.size() >= next_look_; }
  /// Frees what no pin needs. When memory for the look itself is short, the next one does the work.
  void reclaim_some(Time now) noexcept;
  void reclaim(Time now);

  std::size_t live_bytes() const noexcept { return pool_.live_bytes(); }
  /// Nodes that are kept only for old snapshots.
  std::size_t retired_nodes() const noexcept;

  /// What the last look found to be kept for old snapshots.
  struct Retained {
    std::size_t bytes = 0;     ///< of nodes, and an estimate for the values that stand in them
    std::size_t versions = 0;  ///< that are pinned and replaced
    Version oldest_version = 0;
    Time oldest_since{};  ///< when a look first found it replaced
  };
  Retained retained() const noexcept;

private:
  StateMemory();
  ~StateMemory();

  enum class Kind : std::uint8_t { cell, trie, root };

  struct Retired {
    void* node;
    Version born;
    Version retired;
    Kind kind;
  };

  // Retired nodes between two looks at the pins: many enough to spread the cost of a look, few enough that the nodes
  // are still in the nearest cache when they are used again. Every pin adds to what a look costs.
  static constexpr std::size_t look_interval = 128;
  static constexpr std::size_t look_interval_per_pin = 4;

  // Nodes that only snapshots of one version need, the root of that version among them.
  struct Held {
    Time since;
    const Root* root = nullptr;
    std::size_t bytes = 0;
    std::vector<Retired> nodes{};
  };

  void retire(const Retired& entry) { retired_.push_back(entry); }
  /// Memory for a node that is born in this edit; its content is the caller's.
  void* make_node(std::size_t bytes, Kind kind) {
    if (fresh_.size() == fresh_.capacity())
      fresh_.reserve(2 * fresh_.size() + 16);
    void* node = pool_.allocate(bytes);
    fresh_.emplace_back(node, kind);
    return node;
  }
  std::vector<Version> pinned_versions();
  void settle(const std::vector<Version>& pinned, const Retired& entry, Time now);
  static std::size_t retained_bytes_of(const Retired& entry) noexcept;
  void free(void* node, Kind kind) noexcept;
  void free_tree(Slot slot) noexcept;
  void free_younger(Slot slot, Version than) noexcept;
  /// Where in retired_ that begins which the published version still needs.
  std::vector<Retired>::iterator first_unpublished() noexcept;
  void release_key(Key* key) noexcept;

  NodePool pool_;
  SnapshotPins pins_;
  std::atomic<const Root*> published_{nullptr};

  Version editing_ = 0;
  std::vector<std::pair<void*, Kind>> fresh_;  // born in this edit
  std::size_t retired_before_edit_ = 0;

  std::vector<Retired> retired_;           // not looked at yet, in the order of `retired`
  std::size_t next_look_ = look_interval;  // at so many
  std::vector<Retired> looked_at_;         // being settled; empty between two looks unless memory ended in one
  std::map<Version, Held> held_;           // by the pinned version that needs them
};

}  // namespace theus
