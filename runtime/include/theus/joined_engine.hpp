#pragma once

#include <theus/attach.hpp>
#include <theus/heavy.hpp>

#include <string_view>

namespace theus {

/// An engine of another process of the same user on this host (and in the same pid namespace), read: what
/// AttachedEngine does, and its heavy buffers, mapped here and read without a copy. Engine::from_handle() gives it.
///
/// Belongs to one thread but for interrupt() and heavy(), which is thread-safe. This process counts as a reader until
/// the last copy of heavy() and the last view are gone; what it reads stays as it is until then, or until it ends.
class JoinedEngine : public AttachedEngine {
public:
  /// Errors: those of AttachedEngine::attach(); bad_handle, when what the engine sent is no heavy zone; overloaded,
  /// when it has too many readers; peer_down.
  static Result<JoinedEngine> join(std::string_view handle, Timeout timeout = default_timeout);

  /// The engine's heavy zone. view() takes handles that came from get(), watch() or a signal, of which it may hold 64
  /// at a time (overloaded). Errors of it besides: peer_down when the engine has let go of this process, heavy_lost
  /// once it has ended. Views that were taken before stay readable. alloc() and write_in_place() are refused
  /// (unsupported).
  HeavyZone& heavy() noexcept { return heavy_; }

private:
  JoinedEngine(AttachedEngine engine, HeavyZone heavy) noexcept
      : AttachedEngine(std::move(engine)), heavy_(std::move(heavy)) {}

  /// The connection by which it is a reader.
  class HeavyLink;

  HeavyZone heavy_;
};

}  // namespace theus
