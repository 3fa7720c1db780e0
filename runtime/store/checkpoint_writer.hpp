#pragma once

#include "runtime/state_parts.hpp"

#include <theus/digest.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace theus::store {

/// Makes a checkpoint of a snapshot on a thread of its own, while commits go on: what takes long, the digest and the
/// encoding, happens there. Whoever writes the journal takes the pieces as they come. Thread-safe.
class CheckpointWriter {
public:
  struct Part {
    std::string path;
    std::vector<std::byte> value;
  };
  using Piece = std::vector<Part>;

  explicit CheckpointWriter(Snapshot snapshot);
  /// Abandons what is left.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  Version version() const noexcept { return version_; }
  /// The next piece, if one is ready.
  std::optional<Piece> take();
  /// Whether a piece is ready, or the end; waits for that.
  bool await_piece(std::chrono::milliseconds at_most);
  /// Whether everything has been taken.
  bool is_finished();
  /// Whether memory was short: there will be no more.
  bool is_abandoned();
  /// Of the state. REQUIRES: is_finished().
  const Digest& digest() const noexcept { return digest_; }

  /// A piece is one transaction: small enough that a commit that comes meanwhile hardly waits.
  static constexpr std::size_t piece_bytes = std::size_t{256} << 10;
  static constexpr std::size_t pieces_ahead_max = 4;

private:
  void run(Snapshot snapshot);
  bool give(Piece&& piece);

  const Version version_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;  // guarded by mutex_
  bool is_made_ = false;      // guarded by mutex_
  bool abandoned_ = false;    // guarded by mutex_
  Digest digest_;             // written before is_made_
  std::thread thread_;
};

/// The digest of all that a journal keeps of the state.
Digest state_digest(const Snapshot& snapshot);

}  // namespace theus::store
