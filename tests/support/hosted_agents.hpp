#pragma once

// Agents that several processes have: `member_1` to `member_12`, each of which counts its steps in its private state
// and takes over the mean of two neighbours and a random number.
//
// For tests of deaths, `domain.fatal` = [version, folder, how often]: `member_9` kills its process in the round that
// reads that version, unless it was done so often, of which a file in the folder tells for each time. `domain.stuck`,
// the same: it does not come to its end.

#include <theus/engine.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace theus::testing {

inline constexpr int members_count = 12;

inline std::string member_name(int number) { return "member_" + std::to_string(number); }

/// Whether it is one of those times now.
inline bool is_told(const Context& ctx, const Path& path) {
  const Value told = ctx.get(path, Value::list());
  if (told.size() != 3 || ctx.version() != static_cast<Version>(told[std::size_t{0}].as_int()))
    return false;
  for (std::int64_t time = 0; time < told[std::size_t{2}].as_int(); ++time) {
    const std::string mark{std::string{told[std::size_t{1}].as_string()} + "/death_" + std::to_string(time)};
    if (::open(mark.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) >= 0)
      return true;
  }
  return false;
}
inline void die_or_hang_if_told(const Context& ctx) {
  if (is_told(ctx, "domain.fatal"))
    ::kill(::getpid(), SIGKILL);
  if (is_told(ctx, "domain.stuck"))
    for (;;)
      ::pause();
}

inline Agent member(int number) {
  const auto path = [](int of) {
    return Path{"domain.club"}.key(member_name((of + members_count - 1) % members_count + 1));
  };
  return {.name = member_name(number),
          .reads = {"domain.club", "domain.fatal", "domain.stuck"},
          .writes = {path(number).text()},
          .state = 0,
          .body = [=](Context& ctx) {
            if (number == 9)
              die_or_hang_if_told(ctx);
            ctx.agent_state() = ctx.agent_state().as_int() + 1;
            const auto opinion = [&](int of) { return ctx.get<double>(path(of).key("opinion"), 1.0 * of); };
            return Value{{"opinion", (opinion(number - 1) + opinion(number + 1)) / 2 + ctx.random().uniform()},
                         {"steps", ctx.agent_state()}};
          }};
}

/// Each writes which version it has read, to `domain.seen.NAME`.
inline Status spawn_observers(Engine& engine) {
  return engine.spawn_agents(members_count, [](std::size_t i) {
    const Path path = Path{"domain.seen"}.key(member_name(static_cast<int>(i) + 1));
    return Agent{.name = member_name(static_cast<int>(i) + 1), .writes = {path.text()}, .body = [](Context& ctx) {
                   return static_cast<std::int64_t>(ctx.version());
                 }};
  });
}

inline Status spawn_members(Engine& engine) {
  return engine.spawn_agents(members_count, [](std::size_t i) { return member(static_cast<int>(i) + 1); });
}

}  // namespace theus::testing
