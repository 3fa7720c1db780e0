#pragma once

#include <theus/version.hpp>
#include <theus/write.hpp>

#include <optional>
#include <vector>

namespace theus::testing {

/// The state as plainly as it can be said: one nested Value per version, and which paths each version changed.
/// A judge for the state tree and the commit rules; nothing of it comes from them.
class NaiveState {
public:
  /// What the rules leave open is `either`: a conflict with a change that did not alter what the path shows.
  enum class Verdict { accepts, either, conflicts, impossible };

  NaiveState() : states_{Value::map()}, changed_{{}} {}

  Version version() const { return states_.size() - 1; }
  const Value& at(Version version) const { return states_[version]; }
  const Value& head() const { return states_.back(); }

  Verdict judge(Version base, const std::vector<Path>& reads, const std::vector<Write>& writes) const;
  /// REQUIRES: the writes are possible. Adds a version when they change something.
  void commit(const std::vector<Write>& writes);

private:
  Verdict judge(Version base, const Path& path) const;

  std::vector<Value> states_;
  std::vector<std::vector<Write>> changed_;  // by version: the writes that changed something
};

/// The value after the write, or nothing when it is impossible.
std::optional<Value> after(const Value& state, const Write& write);

/// The value at the path, or nothing.
std::optional<Value> look_up(const Value& state, std::span<const Segment> path);

}  // namespace theus::testing
