#include "actors/membership.hpp"

#include <algorithm>

namespace theus::actors {
namespace {

constexpr std::size_t given_up_max = 1000;

}  // namespace

Result<std::span<Member>> Membership::add(std::span<const AgentDefinitionPtr> definitions, Deadline now) {
  std::vector<AgentDirectory::Entry> entries;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const AgentDefinition& definition = *definitions[i];
    auto& entry = entries.emplace_back(next_ + i, definitions[i]);
    if (definition.terms->acts)
      entry.inbox = std::make_shared<Inbox>(definition.name(), definition.terms->backlog_max);
  }
  if (auto added = directory_->add(entries); !added)
    return added.error();
  const std::size_t first = members_.size();
  for (AgentDirectory::Entry& entry : entries) {
    Member& member = members_.emplace_back(entry.id, entry.definition);
    std::erase_if(given_up_, [&](const AgentStatus& each) { return each.name == entry.definition->name(); });
    if (entry.inbox == nullptr) {
      member.state = entry.definition->initial_state;
      continue;
    }
    member.seat = std::make_shared<Seat>();
    member.seat->id = entry.id;
    member.seat->definition = entry.definition;
    member.seat->inbox = std::move(entry.inbox);
    member.seat->since = now;
    member.seat->state = entry.definition->initial_state;
  }
  next_ += definitions.size();
  return std::span{members_}.subspan(first);
}

Result<Member> Membership::remove(std::string_view name) {
  auto entry = directory_->remove(name);
  if (!entry)
    return entry.error();
  return leave(*find(entry->id));
}

Member Membership::leave(Member& member) {
  Member left = member;
  member.actor = nullptr;
  member.seat = nullptr;
  has_leavers_ = true;
  tree_.forget(member.id);
  failures_.erase(member.id);
  return left;
}

bool Membership::forget_leavers() {
  return std::exchange(has_leavers_, false) &&
         std::erase_if(members_, [](const Member& member) { return member.actor == nullptr; }) > 0;
}

Member* Membership::find(Id id) noexcept {
  const auto found = std::ranges::lower_bound(members_, id, {}, &Member::id);
  return found == members_.end() || found->id != id || found->actor == nullptr ? nullptr : &*found;
}

std::vector<Member> Membership::failed(const Member& member, const Error& error, Deadline now) {
  using Kind = SupervisionTree::Verdict::Kind;
  Failures& failures = failures_[member.id];
  ++failures.count;
  failures.last = error.text();
  directory_->counters.failures.fetch_add(1, std::memory_order_relaxed);
  // That others were faster, or are too busy, is no fault of the agent.
  if (error.code() == Errc::overloaded || error.code() == Errc::version_mismatch)
    return {};
  const AgentTerms& terms = *member.definition->terms;
  const auto verdict = tree_.failed(member.id, terms.restarts, terms.group, now);
  if (verdict.kind == Kind::restart_agent || verdict.kind == Kind::restart_group) {
    ++failures.restarts;
    directory_->counters.restarts.fetch_add(1, std::memory_order_relaxed);
  }
  if (verdict.kind == Kind::restart_agent)
    return {};
  const Id failed = member.id;
  std::vector<Member> stopped;
  for (Member& each : members_) {
    const bool concerned = verdict.kind == Kind::stop_agent
                               ? each.id == failed
                               : SupervisionTree::includes(verdict.group, each.definition->terms->group);
    if (!concerned || each.actor == nullptr)
      continue;
    if (verdict.kind == Kind::restart_group) {
      tree_.forget(each.id);
      continue;
    }
    given_up_.push_back(status(each));
    given_up_.back().is_stopped = true;
    if (given_up_.size() > given_up_max)
      given_up_.pop_front();
    (void)directory_->remove(each.definition->name());
    stopped.push_back(leave(each));
    directory_->counters.stopped.fetch_add(1, std::memory_order_relaxed);
  }
  return stopped;
}

AgentStatus Membership::status(const Member& member) const {
  AgentStatus status{.name = member.definition->name(), .group = member.definition->terms->group};
  if (const auto failures = failures_.find(member.id); failures != failures_.end()) {
    status.failures = failures->second.count;
    status.restarts = failures->second.restarts;
    status.last_failure = failures->second.last;
  }
  if (member.seat == nullptr)
    return status;
  status.runs = member.seat->completed.load(std::memory_order_relaxed);
  status.conflicts = member.seat->conflicts.load(std::memory_order_relaxed);
  status.waiting = member.seat->inbox->waiting();
  status.signals_lost = member.seat->inbox->signals_lost();
  return status;
}

std::vector<AgentStatus> Membership::report() const {
  std::vector<AgentStatus> report;
  for (const Member& member : members_)
    if (member.actor != nullptr)
      report.push_back(status(member));
  report.insert(report.end(), given_up_.begin(), given_up_.end());
  return report;
}

}  // namespace theus::actors
