#include "actors/engine_parts.hpp"
#include "runtime/backoff.hpp"

#include <thread>

namespace theus {
namespace {

constexpr int update_attempts_max = 64;

}  // namespace

Snapshot Engine::state() const { return impl_->core->turn.snapshot(); }
Version Engine::version() const noexcept { return impl_->core->turn.version(); }
SignalHub& Engine::signals() noexcept { return impl_->core->hub; }

Result<Version> Engine::compare_and_swap(Version expected, std::span<const Write> writes, const CasOptions& options) {
  if (auto open = impl_->enter("compare_and_swap"); !open)
    return open.error();
  return impl_->core->turn.commit({expected, options.strict, options.reads, writes, {}});
}

Result<Version> Engine::update(const Path& path, const std::function<Value(const Value&)>& change) {
  if (auto open = impl_->enter("update"); !open)
    return open.error();
  for (int attempt = 1;; ++attempt) {
    const Snapshot now = state();
    const Write write = Write::set(path, change(now.find(path).value_or(Value{})));
    auto outcome = impl_->core->turn.commit({now.version(), false, {}, std::span{&write, 1}, {}});
    if (outcome || outcome.error().code() != Errc::version_mismatch || attempt == update_attempts_max)
      return outcome;
    const auto wait = backoff(attempt, impl_->core->next_execution.fetch_add(1));
    wait.count() == 0 ? std::this_thread::yield() : std::this_thread::sleep_for(wait);
  }
}

}  // namespace theus
