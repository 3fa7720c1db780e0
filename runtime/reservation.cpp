#include "runtime/commit_decider.hpp"

namespace theus {

std::optional<Reservation> CommitTurn::reserve(std::vector<Path> paths, std::chrono::nanoseconds lifetime) {
  if (terms_.elsewhere != nullptr) {
    const auto there = terms_.elsewhere->reserve(paths, lifetime);
    return there != Reservations::nobody ? std::optional{Reservation{*this, there}} : std::nullopt;
  }
  const std::lock_guard lock{turn_};
  const auto id = reservations_.add(std::move(paths), lifetime, clock_.now());
  return id ? std::optional{Reservation{*this, *id}} : std::nullopt;
}

Reservation::~Reservation() {
  if (turn_ == nullptr)
    return;
  if (CommitDecider* const elsewhere = turn_->terms_.elsewhere) {
    elsewhere->release(id_);
    return;
  }
  {
    const std::lock_guard lock{turn_->turn_};
    turn_->reservations_.release(id_, turn_->clock_.now());
  }
  turn_->released_.notify_all();
}

bool Reservation::may_start() const {
  if (const CommitDecider* const elsewhere = turn_->terms_.elsewhere)
    return elsewhere->may_start(id_);
  const std::lock_guard lock{turn_->turn_};
  return turn_->reservations_.may_start(id_, turn_->clock_.now());
}

bool Reservation::wait_to_start(std::chrono::steady_clock::time_point deadline) const {
  if (CommitDecider* const elsewhere = turn_->terms_.elsewhere)
    return elsewhere->wait_to_start(id_, deadline);
  std::unique_lock lock{turn_->turn_};
  while (!turn_->reservations_.may_start(id_, turn_->clock_.now())) {
    if (turn_->clock_.now() >= deadline)
      return false;
    turn_->released_.wait_for(lock, CommitTurn::expiry_look_interval);
  }
  return true;
}

void Reservation::extend(std::span<const Path> paths) {
  if (CommitDecider* const elsewhere = turn_->terms_.elsewhere)
    return elsewhere->extend(id_, paths);
  const std::lock_guard lock{turn_->turn_};
  turn_->reservations_.extend(id_, paths);
}

}  // namespace theus
