#pragma once

#include "runtime/commit_log.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>

namespace theus::testing {

/// A commit log in memory that a test holds up and lets fail.
class ScriptedLog final : public CommitLog {
public:
  Status append(std::span<LoggedCommit* const> batch) override {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_ || steps_ > 0; });
    if (held_)
      --steps_;
    --waiting_;
    if (failure_)
      return *failure_;
    batches_.emplace_back();
    for (LoggedCommit* commit : batch) {
      if (commit->version != 0)
        batches_.back().push_back(commit->version);
      if (commit->audit) {
        commit->audit->sequence = audits_.size() + 1;
        audits_.push_back(*commit->audit);
      }
    }
    return {};
  }
  bool tidy() override { return false; }

  /// From now on a batch stays where it is until it is let through.
  void hold() {
    const std::lock_guard lock{mutex_};
    held_ = true;
  }
  /// Waits until a batch is being written.
  void await_batch() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void let_through() {
    const std::lock_guard lock{mutex_};
    ++steps_;
    changed_.notify_all();
  }
  void release() {
    const std::lock_guard lock{mutex_};
    held_ = false;
    changed_.notify_all();
  }
  void fail(std::optional<Error> failure) {
    const std::lock_guard lock{mutex_};
    failure_ = std::move(failure);
  }

  std::vector<std::vector<Version>> batches() const {
    const std::lock_guard lock{mutex_};
    return batches_;
  }
  std::vector<Version> versions() const {
    std::vector<Version> all;
    for (const auto& batch : batches())
      all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }
  std::vector<AuditEntry> audits() const {
    const std::lock_guard lock{mutex_};
    return audits_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int steps_ = 0;
  int waiting_ = 0;
  std::optional<Error> failure_;
  std::vector<std::vector<Version>> batches_;
  std::vector<AuditEntry> audits_;
};

}  // namespace theus::testing
