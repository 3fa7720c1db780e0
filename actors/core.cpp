#include "actors/core.hpp"

namespace theus::actors {

void CommitObserver::committed(Version version, std::span<const Signal> signals) noexcept {
  if (!signals.empty())
    hub_.publish_commit(version, signals);
  bell_.ring();
}

void Core::fail(std::string reason) {
  if (failing_.test_and_set())
    return;
  failure_ = std::move(reason);
  has_failed_.store(true, std::memory_order_release);  // pairs with the acquire in failure()
}

std::optional<Error> Core::failure() const {
  if (!has_failed_.load(std::memory_order_acquire))
    return std::nullopt;
  return Error{Errc::internal, "engine", failure_, "Restart the program; what was committed stays committed"};
}

}  // namespace theus::actors
