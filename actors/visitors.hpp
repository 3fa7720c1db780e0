#pragma once

#include "runtime/attach/packet_socket.hpp"
#include "runtime/attach/secret.hpp"

#include <sys/eventfd.h>

#include <memory>
#include <mutex>
#include <vector>

namespace theus::actors {

/// Connections that came in by another way than the engine's socket, on their way to its attach server; the secret is
/// the token of that connection. Thread-safe.
class Visitors {
public:
  struct Visitor {
    PacketSocket socket;
    Secret token;
  };

  /// `wake`: an eventfd of who takes them.
  explicit Visitors(std::shared_ptr<const Descriptor> wake) noexcept : wake_(std::move(wake)) {}

  /// Hangs up when nobody takes them any more.
  void add(Visitor visitor) {
    const std::lock_guard lock{mutex_};
    if (is_closed_)
      return;
    waiting_.push_back(std::move(visitor));
    ::eventfd_write(wake_->number(), 1);
  }
  std::vector<Visitor> take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(waiting_, {});
  }
  void close() {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
    waiting_.clear();
  }

private:
  const std::shared_ptr<const Descriptor> wake_;
  std::mutex mutex_;
  std::vector<Visitor> waiting_;  // guarded by mutex_
  bool is_closed_ = false;        // guarded by mutex_
};

}  // namespace theus::actors
