#include "runtime/store/checkpoint_writer.hpp"

#include "runtime/cbor.hpp"
#include "runtime/snapshot_access.hpp"

#include <new>

namespace theus::store {

namespace {

/// The map without what stands below the meta zone, which the leftmost key that names a zone decides.
Value kept_members(const MapPart& map, bool has_zone) {
  Value kept = Value::map();
  for_each_child(map.children, [&](const Cell& cell) {
    const Zone zone = has_zone ? Zone::data : zone_of_key(cell.key->text());
    if (zone != Zone::meta)
      kept.set(cell.key->text(), cell.is_map ? kept_members(cell.map, has_zone || zone != Zone::data) : cell.value);
  });
  return kept;
}

}  // namespace

Digest state_digest(const Snapshot& snapshot) {
  return theus::digest(kept_members(SnapshotAccess::root(snapshot).map, false));
}

CheckpointWriter::CheckpointWriter(Snapshot snapshot)
    : version_(snapshot.version()), thread_([this, snapshot = std::move(snapshot)] { run(snapshot); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard lock{mutex_};
    abandoned_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::optional<CheckpointWriter::Piece> CheckpointWriter::take() {
  std::optional<Piece> taken;
  {
    const std::lock_guard lock{mutex_};
    if (pieces_.empty())
      return std::nullopt;
    taken = std::move(pieces_.front());
    pieces_.pop_front();
  }
  changed_.notify_one();
  return taken;
}

bool CheckpointWriter::await_piece(std::chrono::milliseconds at_most) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, at_most, [this] { return !pieces_.empty() || is_made_ || abandoned_; });
}

bool CheckpointWriter::is_abandoned() {
  const std::lock_guard lock{mutex_};
  return abandoned_;
}

bool CheckpointWriter::is_finished() {
  const std::lock_guard lock{mutex_};
  return is_made_ && pieces_.empty();
}

bool CheckpointWriter::give(Piece&& piece) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return abandoned_ || pieces_.size() < pieces_ahead_max; });
  pieces_.push_back(std::move(piece));
  changed_.notify_all();
  return !abandoned_;
}

// A checkpoint is worth less than the program: when memory is short, this one is given up.
void CheckpointWriter::run(Snapshot snapshot) try {
  const Digest digest = state_digest(snapshot);
  StateParts parts{std::move(snapshot)};
  Piece piece;
  std::size_t bytes = 0;
  while (auto part = parts.next()) {
    piece.push_back({part->path.text(), to_cbor(part->value)});
    bytes += piece.back().path.size() + piece.back().value.size();
    if (bytes < piece_bytes)
      continue;
    if (!give(std::exchange(piece, {})))
      return;
    bytes = 0;
  }
  if (!piece.empty() && !give(std::move(piece)))
    return;
  const std::lock_guard lock{mutex_};
  digest_ = digest;
  is_made_ = true;
  changed_.notify_all();
} catch (const std::bad_alloc&) {
  const std::lock_guard lock{mutex_};
  abandoned_ = true;
}

}  // namespace theus::store
