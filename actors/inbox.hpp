#pragma once

// What waits for one agent that acts on its own, or the messages that wait for one that takes part in rounds.
//
// Invariants: (1) Messages, and signals, are at most `backlog_max` each; ticks and changes are one each, however many
// came. (2) A place is reserved before a commit and used after it, so that what was promised is never refused. (3) The
// agent is woken once between two looks that found nothing. (4) After close() nothing is taken in any more.

#include <theus/trigger.hpp>

#include <theus/result.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace theus::actors {

class Inbox {
public:
  using Wake = std::function<void()>;

  Inbox(std::string agent, std::size_t backlog_max) : agent_(std::move(agent)), backlog_max_(backlog_max) {}

  const std::string& agent() const noexcept { return agent_; }

  /// Promises room for a message. Refuses `overloaded`.
  Status reserve();
  /// Uses the promise, or takes it back when there is no message.
  void redeem(std::optional<AgentMessage> message);
  /// Both at once.
  Status post(AgentMessage message);

  void tick(std::uint64_t number);
  /// A signal; the oldest that waits is dropped when there are too many.
  void signal(std::uint64_t sequence, std::string_view name, Value payload);
  void lost_signals(std::uint64_t count);
  void changed(const Path& path, std::uint64_t since);

  /// From now on this is called, from any thread, when something comes; at once, if something is there.
  void attach(Wake wake);
  void close();

  /// What to act on next: ticks, changes, signals and messages take turns. When there is nothing, the next thing that
  /// comes wakes the agent.
  std::optional<Trigger> take();
  /// All messages, in order; they stay until they are dropped.
  std::vector<AgentMessage> messages() const;
  void drop_messages(std::size_t oldest);

  std::size_t waiting() const;
  std::uint64_t signals_lost() const;

private:
  using Lock = std::unique_lock<std::mutex>;

  void arrived(Lock lock);
  std::optional<Trigger> take(Trigger::Kind kind);

  const std::string agent_;
  const std::size_t backlog_max_;

  mutable std::mutex mutex_;  // guards what follows
  std::deque<AgentMessage> messages_;
  std::deque<Trigger> signals_;
  std::size_t reserved_ = 0;
  std::uint64_t missed_signals_ = 0;  // since the last that was taken
  std::uint64_t lost_signals_ = 0;    // in all
  std::uint64_t tick_ = 0;            // the newest; 0: none
  std::uint64_t tick_taken_ = 0;
  std::optional<Trigger> change_;
  std::size_t turn_ = 0;
  std::shared_ptr<const Wake> wake_;
  bool is_idle_ = true;  // the next thing that comes wakes it
  bool is_closed_ = false;
};
using InboxPtr = std::shared_ptr<Inbox>;

}  // namespace theus::actors
