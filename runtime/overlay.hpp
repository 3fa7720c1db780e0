#pragma once

#include <theus/snapshot.hpp>
#include <theus/write.hpp>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace theus {

/// The private changes of one transaction on top of a snapshot. What it reads back is what a commit of its writes
/// on that snapshot would give; commutative writes stay operations as long as nothing else touches their path.
/// Belongs to one thread.
class Overlay {
public:
  /// Told of every path whose value in the snapshot mattered.
  using ReadMark = std::function<void(const Path&)>;

  Overlay(Snapshot base, ReadMark read_mark) : base_(std::move(base)), read_mark_(std::move(read_mark)) {}

  const Snapshot& base() const noexcept { return base_; }

  /// The value at the path with the changes so far.
  std::optional<Value> find(const Path& path) const;
  /// Refuses (bad_argument) what a commit on the snapshot would refuse; nothing changes then.
  Status write(const Write& write);
  /// Whether some write concerned this path, something above or something below it.
  bool is_written(const Path& path) const noexcept;

  /// The fewest writes that bring the snapshot to what this overlay shows. A change that leaves its path as it
  /// was is none of them; that the path was so is marked as read.
  std::vector<Write> writes() const;

private:
  // `value` and `absent` hide the snapshot below the node; `operations` apply to its value and give `value`; an
  // `untouched` node only leads to others.
  enum class State : std::uint8_t { untouched, value, absent, operations };

  struct Node {
    State state = State::untouched;
    Path path{};  // of the write, unless untouched
    Value value{};
    std::vector<Write> operations{};
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children{};
  };

  // A node that does not exist is an untouched one, here and below: nullptr.
  static const Node* child_of(const Node* node, const Segment& segment) noexcept;
  Node& make(const Path& path);
  std::optional<Value> value_of(const Node* node, const Path& path) const;
  Status write_inside(const Node* node, const Path& path, std::span<const Segment> rest, const Write& write);
  Status write_whole(const Node* node, const Write& write);
  Status operate(const Node* node, const Write& write);
  Status possible(const Path& path) const;
  void collect(const Node& node, std::vector<Write>& writes) const;

  Snapshot base_;
  ReadMark read_mark_;
  Node root_;
};

}  // namespace theus
