#pragma once

#include <theus/snapshot.hpp>
#include <theus/state_reader.hpp>

#include <vector>

namespace theus::actors {

/// Lets expressions read one snapshot, and remembers what they read. Belongs to one thread.
class SnapshotReader final : public StateReader {
public:
  explicit SnapshotReader(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}

  std::optional<Value> read(const Path& path) const override {
    reads_.push_back(path);
    // The check of a workflow refuses expressions that ask for the private zone.
    return path.zone() == Zone::internal ? std::nullopt : snapshot_.find(path);
  }

  Version version() const noexcept { return snapshot_.version(); }
  const std::vector<Path>& reads() const noexcept { return reads_; }

private:
  Snapshot snapshot_;
  mutable std::vector<Path> reads_;
};

}  // namespace theus::actors
