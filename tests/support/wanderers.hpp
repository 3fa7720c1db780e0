#pragma once

// Agents of rounds that are shared out.

#include <theus/agent.hpp>

#include <string>
#include <vector>

namespace theus::testing {

inline std::string name_of(int i) { return "agent" + std::to_string(i); }

/// Uses all that a step can depend on: the snapshot, private state, messages, random numbers, its execution's time.
inline Agent wanderer(int i, int count) {
  return {.name = name_of(i),
          .reads = {"domain"},
          .writes = {"domain." + name_of(i), "domain.sum", "domain.trail"},
          .state = 0,
          .body = [=](Context& ctx) {
            std::int64_t heard = 0;
            for (const AgentMessage& message : ctx.trigger().messages)
              heard += message.content.as_int();
            ctx.agent_state() = ctx.agent_state().as_int() + 1 + heard;
            const Path own = Path{"domain"}.key(ctx.name());
            const Path next = Path{"domain"}.key(name_of((i + 1) % count));
            ctx.set(own, Value{{"steps", ctx.agent_state()},
                               {"seen", ctx.get<double>(next.key("drawn"), 0.0)},
                               {"drawn", ctx.random().uniform()}});
            ctx.increment("domain.sum", heard);
            ctx.append("domain.trail", ctx.name());
            ctx.emit("moved", ctx.agent_state());
            ctx.send(name_of((i + 3) % count), i);
          }};
}

inline std::vector<Agent> wanderers() {
  std::vector<Agent> agents;
  for (int i = 0; i < 10; ++i)
    agents.push_back(wanderer(i, 10));
  return agents;
}

inline Agent writer(std::string name, const Body& body) {
  return {.name = name, .writes = {"domain." + name}, .body = body};
}
inline std::vector<Agent> writers(const Body& body = [](Context& ctx) { ctx.set(Path{"domain"}.key(ctx.name()), 1); }) {
  return {writer("a", body), writer("b", body), writer("c", body), writer("d", body)};
}

}  // namespace theus::testing
