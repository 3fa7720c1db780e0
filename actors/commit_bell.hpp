#pragma once

#include "actors/user_callback.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace theus::actors {

/// Tells one listener that something was committed, once per arming, so that commits cost it a load while it is busy.
/// The listener arms BEFORE it looks at the version, commits ring AFTER they are published; both are sequentially
/// consistent, so one of them sees the other. Thread-safe.
class CommitBell {
public:
  void attach(std::function<void()> listener) {
    const std::lock_guard lock{mutex_};
    listener_ = std::move(listener);
  }
  /// After this the listener is not being called.
  void detach() { attach({}); }

  void arm() noexcept { armed_.store(true); }

  void ring() noexcept {
    if (!armed_.load() || !armed_.exchange(false))
      return;
    const std::lock_guard lock{mutex_};
    // Without memory for the message it is left to the next commit.
    if (listener_ && !call_user(listener_))
      arm();
  }

private:
  std::atomic<bool> armed_{false};
  std::mutex mutex_;
  std::function<void()> listener_;  // guarded by mutex_; called under it, so it must not commit
};

}  // namespace theus::actors
