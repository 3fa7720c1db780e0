#include "actors/pending_execution.hpp"

#include <algorithm>
#include <utility>

namespace theus {

void PendingExecution::State::settle(Result<Executed> given) {
  std::function<void()> next;
  {
    const std::lock_guard lock{mutex};
    result = std::move(given);
    next = std::exchange(following, nullptr);
    settled.notify_all();
  }
  if (next != nullptr)
    executor ? executor(std::move(next)) : next();
}

bool PendingExecution::State::wait_until(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{mutex};
  return settled.wait_until(lock, deadline, [this] { return result.has_value(); });
}

void PendingExecution::State::wait() {
  constexpr std::chrono::milliseconds look_interval{100};
  const auto begun = call.lock();
  auto until = begun ? begun->deadline() : std::chrono::steady_clock::now();
  for (; !wait_until(until); until += look_interval) {
    if (begun == nullptr)
      continue;
    begun->expire(std::chrono::steady_clock::now());
    if (auto failure = core->failure())
      begun->finish(*failure);
  }
}

Result<Executed> PendingExecution::State::take() {
  const std::lock_guard lock{mutex};
  return *std::move(result);
}

void PendingExecution::State::follow(std::function<void()> next) {
  {
    const std::lock_guard lock{mutex};
    if (!result) {
      following = std::move(next);
      return;
    }
  }
  next();
}

PendingExecution::PendingExecution(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
PendingExecution::PendingExecution(PendingExecution&&) noexcept = default;
PendingExecution& PendingExecution::operator=(PendingExecution&&) noexcept = default;
PendingExecution::~PendingExecution() = default;

Result<Executed> PendingExecution::get() {
  state_->wait();
  return state_->take();
}

bool PendingExecution::wait_for(std::chrono::nanoseconds timeout) const {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};
  return state_->wait_until(std::chrono::steady_clock::now() + std::min(timeout, longest));
}

void PendingExecution::cancel() {
  if (const auto call = state_->call.lock())
    call->cancel();
}

void PendingExecution::then(std::function<void(Result<Executed>)> done) && {
  state_->follow([state = state_, done = std::move(done)] { done(state->take()); });
}

std::future<Result<Executed>> PendingExecution::future() && {
  auto promise = std::make_shared<std::promise<Result<Executed>>>();
  auto future = promise->get_future();
  std::move(*this).then([promise](Result<Executed> result) { promise->set_value(std::move(result)); });
  return future;
}

bool PendingExecution::await_ready() const { return wait_for(std::chrono::nanoseconds{0}); }
void PendingExecution::await_suspend(std::coroutine_handle<> waiting) {
  state_->follow([waiting] { waiting.resume(); });
}
Result<Executed> PendingExecution::await_resume() { return state_->take(); }

}  // namespace theus
