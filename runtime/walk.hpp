#pragma once

#include <theus/path.hpp>

#include "runtime/small_stack.hpp"
#include "runtime/value_node.hpp"

namespace theus {

/// Visits a value and all that it contains, depth first and in order, without recursion: however deep the value,
/// it costs heap beyond 16 levels and never stack. The value must outlive the walk.
class Walk {
public:
  enum class Step : std::uint8_t {
    scalar,  // value() is no container
    enter,   // value() is a list or map whose contents follow
    leave,   // value() is the container whose contents have all been visited
  };

  explicit Walk(const Value& root) noexcept : value_(&root) {}

  /// Goes on to the next step; false when there is none. May throw bad_alloc on deep values.
  bool next() {
    if (!started_) {
      started_ = true;
      step_ = step_of(*value_);
      return true;
    }
    if (step_ == Step::enter)
      stack_.push(Frame{*value_});
    if (stack_.empty())
      return false;
    Frame& around = stack_.top();
    if (around.visited == around.size) {
      value_ = around.container;
      step_ = Step::leave;
      stack_.pop();
      return true;
    }
    value_ = &around.advance();
    step_ = step_of(*value_);
    return true;
  }

  Step step() const noexcept { return step_; }
  const Value& value() const noexcept { return *value_; }

  /// How many containers stand around value().
  std::size_t depth() const noexcept { return stack_.size(); }
  /// Whether value() is the first in its container. REQUIRES: depth() > 0 and step() is not `leave`.
  bool is_first() const noexcept { return parent().visited == 1; }
  /// The key of value() when it is the member of a map, else nullptr. REQUIRES: step() is not `leave`.
  const std::string_view* key() const noexcept { return depth() > 0 && parent().is_map ? &parent().key : nullptr; }

  /// Where value() stands within the root; keys and depth are cut to what a path can hold.
  Path path() const {
    Path path;
    for (std::size_t i = 0; i < std::min(depth(), Path::segments_max); ++i) {
      const Frame& frame = stack_[i];
      path = frame.is_map ? path.key(frame.key.substr(0, Path::key_bytes_max)) : path.index(frame.visited - 1);
    }
    return path;
  }

private:
  struct Frame {
    explicit Frame(const Value& value) noexcept
        : container(&value), root(root_of(value)), size(root != nullptr ? root->size : 0), is_map(value.is_map()) {}

    const Value& advance() noexcept {
      if (left == 0) {
        const ValueRun run = values_at(root, visited);
        at = run.first;
        left = run.count;
      }
      ++visited;
      left -= is_map ? 2 : 1;
      if (is_map)
        key = (at++)->as_string();
      return *at++;
    }

    const Value* container;
    const SequenceNode* root;
    std::size_t size;
    bool is_map;
    std::size_t visited = 0;
    std::string_view key;       // of the member visited last
    const Value* at = nullptr;  // in a leaf, with `left` values to its end
    std::size_t left = 0;
  };

  static Step step_of(const Value& value) noexcept { return is_container(value) ? Step::enter : Step::scalar; }
  const Frame& parent() const noexcept { return stack_[depth() - 1]; }

  bool started_ = false;
  Step step_ = Step::scalar;
  const Value* value_;
  SmallStack<Frame, 16> stack_;
};

}  // namespace theus
