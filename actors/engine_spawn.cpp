#include "actors/engine_parts.hpp"

#include <theus/nearest.hpp>

#include <algorithm>

namespace theus {
namespace {

// Beyond the options' own limit: for the end of what did not start in time.
constexpr std::chrono::seconds end_of_killed_max{10};

std::string named(std::string_view what) { return "process '" + std::string{what} + "'"; }

bool looks_like_module(std::string_view what) {
  return what.find('/') != std::string_view::npos || what.ends_with(".so");
}

Status check_spawn(std::string_view what, const SpawnOptions& options) {
  if (what.empty() || options.restarts.within.count() <= 0 || options.start_timeout.count() <= 0 ||
      options.grace.count() < 0 || options.pause_max.count() < 0)
    return Error{Errc::bad_argument, named(what),
                 "it needs a name, a span of restarts and a start_timeout that are positive, and a grace and a "
                 "pause_max that are not negative",
                 "Leave the options at their defaults"};
  if (!options.command.empty())
    return {};
  if (!actors::serves_if_spawned())
    return Error{Errc::unsupported, named(what), "this program cannot be started as a process of its own engine",
                 "Call theus::serve_if_spawned() at the top of main(), or set SpawnOptions::command"};
  const std::vector<std::string> known = actors::spawn_functions();
  if (std::ranges::find(known, what) == known.end() && !looks_like_module(what))
    return Error{Errc::bad_argument, named(what), "main() has given no function of that name to serve_if_spawned()",
                 suggest(what, known)};
  return {};
}

}  // namespace

Result<SpawnedProcess> Engine::spawn_process(std::string_view what, SpawnOptions options) {
  if (auto open = impl_->enter("spawn_process"); !open)
    return open.error();
  const auto& handle = *impl_->attach_handle;
  if (!handle)
    return handle.error();
  if (auto fits = check_spawn(what, options); !fits)
    return fits.error();
  const std::vector<std::string> known = actors::spawn_functions();
  const bool is_module = std::ranges::find(known, what) == known.end() && looks_like_module(what);
  const auto longest = options.start_timeout + end_of_killed_max;
  auto kept = impl_->spawn_desk()->keep(std::string{what}, is_module, std::move(options));
  if (!kept)
    return kept.error();
  if (Status runs = (*kept)->wait_until_running(longest); !runs) {
    (*kept)->stop();
    return runs.error();
  }
  return SpawnedProcess{*std::move(kept)};
}

std::vector<SpawnedStatus> Engine::spawned_processes() const {
  return impl_->enter("spawned_processes") ? impl_->spawn_desk()->list() : std::vector<SpawnedStatus>{};
}

std::shared_ptr<actors::SpawnDesk> Engine::Impl::spawn_desk() {
  return spawns->desk_or(
      [&] { return std::make_shared<actors::SpawnDesk>(*attach_handle ? **attach_handle : std::string{}, core->log); });
}

}  // namespace theus
