#pragma once

#include <theus/diff.hpp>

namespace theus {

/// Keeps the differences that a walk over two values or trees finds, and where the walk is.
class DiffRecorder {
public:
  /// With `hides_private`, what the private zone hides is not recorded, nor counted.
  DiffRecorder(Path at, std::size_t entries_max, bool hides_private = false)
      : at_(std::move(at)), entries_max_(entries_max), hides_private_(hides_private) {}

  /// The walk goes to a child until the returned step ends. The key must live that long.
  class Step {
  public:
    Step(DiffRecorder& recorder, std::string_view key) : recorder_(recorder) { recorder.trail_.push_back({key, -1}); }
    Step(DiffRecorder& recorder, std::size_t index) : recorder_(recorder) {
      recorder.trail_.push_back({{}, static_cast<std::int64_t>(index)});
    }
    ~Step() { recorder_.trail_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

  private:
    DiffRecorder& recorder_;
  };

  /// Whether the children of this place can still be named.
  bool may_descend() const noexcept { return at_.size() + trail_.size() < Path::segments_max; }

  void added(const Value& value) { record(Difference::Kind::added, {}, value); }
  void removed(const Value& value) { record(Difference::Kind::removed, value, {}); }
  void changed(const Value& before, const Value& after) { record(Difference::Kind::changed, before, after); }

  /// What was found, in the order of the paths. The recorder is empty afterwards.
  Diff finish();

private:
  struct Place {
    std::string_view key;
    std::int64_t index;
  };

  void record(Difference::Kind kind, const Value& before, const Value& after);
  void keep(Difference::Kind kind, const Value& before, const Value& after);
  Path here() const;

  const Path at_;
  const std::size_t entries_max_;
  const bool hides_private_;
  std::vector<Place> trail_;
  Diff found_;
};

/// Records where two values differ.
void compare(DiffRecorder& recorder, const Value& before, const Value& after);

}  // namespace theus
