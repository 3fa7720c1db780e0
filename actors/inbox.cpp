#include "actors/inbox.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace theus::actors {

Status Inbox::reserve() {
  const Lock lock{mutex_};
  if (messages_.size() + reserved_ >= backlog_max_)
    return Error{Errc::overloaded, "agent '" + agent_ + "'",
                 std::to_string(backlog_max_) + " messages wait for it, which is its limit",
                 "Send less, try again later, or raise Agent::backlog_max"}
        .with("limit", backlog_max_);
  ++reserved_;
  return {};
}

void Inbox::redeem(std::optional<AgentMessage> message) {
  Lock lock{mutex_};
  --reserved_;
  if (!message || is_closed_)
    return;
  messages_.push_back(*std::move(message));
  arrived(std::move(lock));
}

Status Inbox::post(AgentMessage message) {
  if (auto promised = reserve(); !promised)
    return promised;
  redeem(std::move(message));
  return {};
}

void Inbox::tick(std::uint64_t number) {
  Lock lock{mutex_};
  if (is_closed_)
    return;
  tick_ = number;
  arrived(std::move(lock));
}

void Inbox::signal(std::uint64_t sequence, std::string_view name, Value payload) {
  Lock lock{mutex_};
  if (is_closed_)
    return;
  if (signals_.size() == backlog_max_) {
    signals_.pop_front();
    ++missed_signals_;
    ++lost_signals_;
  }
  signals_.push_back(
      {.kind = Trigger::Kind::signal, .number = sequence, .name = std::string{name}, .payload = std::move(payload)});
  arrived(std::move(lock));
}

void Inbox::lost_signals(std::uint64_t count) {
  const Lock lock{mutex_};
  missed_signals_ += count;
  lost_signals_ += count;
}

void Inbox::changed(const Path& path, std::uint64_t since) {
  Lock lock{mutex_};
  if (is_closed_)
    return;
  if (!change_)
    change_ = Trigger{.kind = Trigger::Kind::change, .since = since};
  change_->since = std::min(change_->since, since);
  if (std::ranges::find(change_->paths, path) == change_->paths.end())
    change_->paths.push_back(path);
  arrived(std::move(lock));
}

void Inbox::attach(Wake wake) {
  Lock lock{mutex_};
  if (is_closed_)
    return;
  wake_ = std::make_shared<const Wake>(std::move(wake));
  is_idle_ = true;
  arrived(std::move(lock));
}

void Inbox::close() {
  const Lock lock{mutex_};
  is_closed_ = true;
  wake_ = nullptr;
  messages_.clear();
  signals_.clear();
  change_.reset();
  tick_taken_ = tick_;
}

// The wake-up is called without the lock.
void Inbox::arrived(Lock lock) {
  if (wake_ == nullptr || !std::exchange(is_idle_, false))
    return;
  const std::shared_ptr<const Wake> wake = wake_;
  lock.unlock();
  (*wake)();
}

std::optional<Trigger> Inbox::take() {
  static constexpr std::array kinds{Trigger::Kind::tick, Trigger::Kind::change, Trigger::Kind::signal,
                                    Trigger::Kind::message};
  const Lock lock{mutex_};
  for (std::size_t tried = 0; tried < kinds.size(); ++tried) {
    const Trigger::Kind kind = kinds[turn_++ % kinds.size()];
    if (auto taken = take(kind))
      return taken;
  }
  is_idle_ = true;
  return std::nullopt;
}

std::optional<Trigger> Inbox::take(Trigger::Kind kind) {
  if (kind == Trigger::Kind::tick) {
    if (tick_ == tick_taken_)
      return std::nullopt;
    const std::uint64_t before = std::exchange(tick_taken_, tick_);
    return Trigger{.kind = kind, .number = tick_, .missed = tick_ - before - 1};
  }
  if (kind == Trigger::Kind::change)
    return std::exchange(change_, std::nullopt);
  if (kind == Trigger::Kind::signal) {
    if (signals_.empty())
      return std::nullopt;
    Trigger taken = std::move(signals_.front());
    signals_.pop_front();
    taken.missed = std::exchange(missed_signals_, 0);
    return taken;
  }
  if (messages_.empty())
    return std::nullopt;
  Trigger taken{.kind = kind};
  taken.messages.push_back(std::move(messages_.front()));
  messages_.pop_front();
  return taken;
}

std::vector<AgentMessage> Inbox::messages() const {
  const Lock lock{mutex_};
  return {messages_.begin(), messages_.end()};
}

void Inbox::drop_messages(std::size_t oldest) {
  const Lock lock{mutex_};
  messages_.erase(messages_.begin(),
                  messages_.begin() + static_cast<std::ptrdiff_t>(std::min(oldest, messages_.size())));
}

std::size_t Inbox::waiting() const {
  const Lock lock{mutex_};
  return messages_.size() + signals_.size();
}

std::uint64_t Inbox::signals_lost() const {
  const Lock lock{mutex_};
  return lost_signals_;
}

}  // namespace theus::actors
