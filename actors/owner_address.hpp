#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace theus::actors {

/// By which handle the owner was joined last: another one after it was started again. Thread-safe.
class OwnerAddress {
public:
  explicit OwnerAddress(std::string handle) : handle_(std::move(handle)) {}
  std::string get() const {
    const std::lock_guard lock{mutex_};
    return handle_;
  }
  void set(const std::string& handle) {
    const std::lock_guard lock{mutex_};
    handle_ = handle;
  }

  /// What is to happen whenever the owner is lost. REQUIRES: called once, before anybody tells.
  void on_loss(std::function<void()> what) { on_loss_ = std::move(what); }
  void tell_loss() const {
    if (on_loss_)
      on_loss_();
  }

private:
  mutable std::mutex mutex_;
  std::string handle_;             // guarded by mutex_
  std::function<void()> on_loss_;  // constant once it is set
};

}  // namespace theus::actors
