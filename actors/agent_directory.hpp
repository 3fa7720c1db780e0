#pragma once

#include "actors/agent_definition.hpp"
#include "actors/inbox.hpp"
#include "runtime/execution.hpp"

#include <theus/statistics.hpp>

#include <atomic>
#include <map>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <unordered_map>

namespace theus::actors {

/// All living agents of one engine, by name. Thread-safe.
class AgentDirectory final : public Addressees {
public:
  using Id = std::uint64_t;

  struct Entry {
    Id id = 0;
    AgentDefinitionPtr definition;
    InboxPtr inbox;  // of an agent that takes part in rounds: nothing until somebody writes to it
  };

  /// All or none; they get the ids from `first` on. Refuses duplicate_name.
  Status add(std::span<const Entry> entries);
  /// Its entry, which is then gone. Refuses unknown_agent.
  Result<Entry> remove(std::string_view name);

  Status check(std::string_view agent) const override;
  /// Where messages to the agent go. Refuses unknown_agent.
  Result<InboxPtr> inbox(std::string_view agent);
  /// The inboxes of all agents that take part in rounds and were ever written to.
  std::vector<std::pair<Id, InboxPtr>> round_inboxes() const;

  /// What became of agents, for the statistics.
  struct Counters {
    std::atomic<std::uint64_t> failures{0};
    std::atomic<std::uint64_t> restarts{0};
    std::atomic<std::uint64_t> stopped{0};
  };
  Counters counters;
  AgentStatistics statistics() const;

private:
  Error unknown(std::string_view agent) const;

  mutable std::shared_mutex mutex_;                      // guards what follows
  std::unordered_map<std::string_view, Entry> entries_;  // the names stand in the definitions
  std::map<Id, InboxPtr> round_inboxes_;
};
using AgentDirectoryPtr = std::shared_ptr<AgentDirectory>;

/// Messages of bodies on their way: there is room for each, and they are delivered once or not at all.
class Postage {
public:
  explicit Postage(AgentDirectoryPtr directory) : directory_(std::move(directory)) {}
  Postage(Postage&&) noexcept = default;
  Postage& operator=(Postage&& other) noexcept {
    cancel();
    directory_ = std::move(other.directory_);
    letters_ = std::move(other.letters_);
    return *this;
  }
  ~Postage() { cancel(); }

  /// Refuses overloaded, unknown_agent.
  Status add(const std::string& sender, std::vector<OutgoingMessage> messages);
  void deliver();

private:
  struct Letter {
    InboxPtr inbox;
    AgentMessage message;
  };

  void cancel() noexcept;

  AgentDirectoryPtr directory_;
  std::vector<Letter> letters_;
};

}  // namespace theus::actors
