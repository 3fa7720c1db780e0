#include "actors/agent_directory.hpp"

#include <theus/nearest.hpp>

#include <mutex>

namespace theus::actors {
namespace {

// Among how many names the nearest one is looked for.
constexpr std::size_t names_compared_max = 5000;

}  // namespace

Status AgentDirectory::add(std::span<const Entry> entries) {
  const std::unique_lock lock{mutex_};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].definition->name();
    if (entries_.emplace(name, entries[i]).second)
      continue;
    for (std::size_t undo = 0; undo < i; ++undo)
      entries_.erase(entries[undo].definition->name());
    return Error{Errc::duplicate_name, "agent '" + name + "'", "an agent of this name exists",
                 "Stop it first, or choose another name"};
  }
  return {};
}

Result<AgentDirectory::Entry> AgentDirectory::remove(std::string_view name) {
  const std::unique_lock lock{mutex_};
  const auto found = entries_.find(name);
  if (found == entries_.end())
    return unknown(name);
  Entry entry = std::move(found->second);
  entries_.erase(found);
  round_inboxes_.erase(entry.id);
  return entry;
}

Status AgentDirectory::check(std::string_view agent) const {
  const std::shared_lock lock{mutex_};
  return entries_.contains(agent) ? Status{} : Status{unknown(agent)};
}

Result<InboxPtr> AgentDirectory::inbox(std::string_view agent) {
  {
    const std::shared_lock lock{mutex_};
    const auto found = entries_.find(agent);
    if (found == entries_.end())
      return unknown(agent);
    if (found->second.inbox != nullptr)
      return found->second.inbox;
  }
  const std::unique_lock lock{mutex_};
  const auto found = entries_.find(agent);
  if (found == entries_.end())
    return unknown(agent);
  Entry& entry = found->second;
  if (entry.inbox == nullptr) {
    entry.inbox = std::make_shared<Inbox>(entry.definition->name(), entry.definition->terms->backlog_max);
    round_inboxes_.emplace(entry.id, entry.inbox);
  }
  return entry.inbox;
}

std::vector<std::pair<AgentDirectory::Id, InboxPtr>> AgentDirectory::round_inboxes() const {
  const std::shared_lock lock{mutex_};
  return {round_inboxes_.begin(), round_inboxes_.end()};
}

AgentStatistics AgentDirectory::statistics() const {
  AgentStatistics told{.failures = counters.failures.load(std::memory_order_relaxed),
                       .restarts = counters.restarts.load(std::memory_order_relaxed),
                       .stopped = counters.stopped.load(std::memory_order_relaxed)};
  const std::shared_lock lock{mutex_};
  told.living = entries_.size();
  for (const auto& [name, entry] : entries_)
    if (entry.inbox != nullptr)
      told.waiting += entry.inbox->waiting();
  return told;
}

Error AgentDirectory::unknown(std::string_view agent) const {
  std::vector<std::string> known;
  for (const auto& [name, entry] : entries_)
    if (known.size() < names_compared_max)
      known.emplace_back(name);
  return Error{Errc::unknown_agent, "agent '" + std::string{agent} + "'", "no agent of this name exists",
               known.empty() ? "Look at agents()" : suggest(agent, known)};
}

Status Postage::add(const std::string& sender, std::vector<OutgoingMessage> messages) {
  for (OutgoingMessage& message : messages) {
    const auto inbox = directory_->inbox(message.agent);
    if (!inbox)
      return inbox.error();
    if (auto promised = (*inbox)->reserve(); !promised)
      return promised;
    letters_.push_back({*inbox, {sender, std::move(message.content)}});
  }
  return {};
}

void Postage::deliver() {
  for (Letter& letter : std::exchange(letters_, {}))
    letter.inbox->redeem(std::move(letter.message));
}

void Postage::cancel() noexcept {
  for (const Letter& letter : letters_)
    letter.inbox->redeem(std::nullopt);
  letters_.clear();
}

}  // namespace theus::actors
