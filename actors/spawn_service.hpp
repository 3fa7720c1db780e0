#pragma once

#include <theus/value.hpp>

#include <string>
#include <vector>

namespace theus::actors {

// What an engine and a process that it has spawned say to each other, in packets of runtime/isolated/packets.hpp:
//
//   engine -> process: terms, once; the end of the socket asks it to end
//   process -> engine: ready with the number of agents that it hosts, or unfit with the error; once
//
//   terms = [handle, name, whether it is a module, grace in milliseconds]

struct SpawnTerms {
  std::string handle;
  std::string name;
  bool is_module = false;
  std::int64_t grace_ms = 0;
};
Value to_value(const SpawnTerms& terms);
Result<SpawnTerms> spawn_terms_of(const Value& value);

/// Whether serve_if_spawned() was called in this process, and with which functions.
bool serves_if_spawned();
std::vector<std::string> spawn_functions();
/// Whether this process was spawned and does not serve yet: nothing else may happen in it.
bool is_idle_spawned() noexcept;
/// What tells a process, in its environment, that it was spawned by this one.
std::string spawn_mark();

}  // namespace theus::actors
