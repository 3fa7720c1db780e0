#include "tests/support/recorded_turn.hpp"

namespace theus::testing {

Observation RecordedTurn::observe(std::span<const PathId> paths) const {
  const Snapshot snapshot = turn_.snapshot();
  Observation observation{snapshot.version(), {}};
  for (const PathId path : paths)
    observation.seen.push_back(registers_.seen(snapshot.find(registers_.path(path)), path));
  return observation;
}

Answer RecordedTurn::swap(const History::Wish& wish) {
  const auto reads = registers_.paths(wish.reads);
  const auto writes = registers_.writes(wish.changes);
  return registers_.answer(turn_.commit(ProposalView{wish.base, false, reads, writes, {}}));
}

Observation RecordedOverlays::observe(std::span<const PathId> paths) {
  const Snapshot snapshot = turn_.snapshot();
  keep(snapshot);
  Observation observation{snapshot.version(), {}};
  for (const PathId path : paths)
    observation.seen.push_back(registers_.seen(snapshot.find(registers_.path(path)), path));
  return observation;
}

Answer RecordedOverlays::swap(const History::Wish& wish) {
  std::vector<Path> reads;
  Overlay overlay{snapshots_.at(wish.base), [&](const Path& path) { reads.push_back(path); }};
  for (const PathId path : wish.reads)
    overlay.find(registers_.path(path));
  for (const Write& write : registers_.writes(wish.changes))
    overlay.write(write).value();
  const auto writes = overlay.writes();
  return registers_.answer(turn_.commit(ProposalView{wish.base, false, reads, writes, {}}));
}

}  // namespace theus::testing
