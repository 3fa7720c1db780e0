#include "actors/spawn_service.hpp"

#include "actors/child_mark.hpp"
#include "actors/signals_blocked.hpp"
#include "actors/user_callback.hpp"
#include "runtime/isolated/call.hpp"
#include "runtime/isolated/packets.hpp"

#include <theus/engine.hpp>
#include <theus/module.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <thread>

namespace theus {
namespace actors {
namespace {

constexpr int exit_ended = 0;
constexpr int exit_unfit = 70;
constexpr const char* spawn_mark_name = "THEUS_SPAWNED_BY";

/// Which functions main() has named is a fact about the process, not about one engine.
struct Served {
  std::mutex mutex;
  bool serves = false;
  std::vector<std::string> functions;
};
Served& served() {
  static Served all;
  return all;
}

/// Returns when the engine asks for the end, or is gone.
void wait_for_end() {
  pollfd end{owner_socket, 0, 0};
  while (::poll(&end, 1, -1) < 0) {
  }
}

/// Whatever user code is doing, the process ends so long after it was asked to.
void leave_in_time(std::chrono::milliseconds grace) {
  const SignalsBlocked blocked;
  std::thread{[grace] {
    wait_for_end();
    std::this_thread::sleep_for(grace);
    leave(exit_ended);
  }}.detach();
}

[[noreturn]] void refuse(const Error& error) {
  if (const auto body = encode_body(failed_value(error)))
    (void)send_message(owner_socket, PacketKind::unfit, *body);
  leave(exit_unfit);
}

Result<SpawnTerms> received_terms() {
  WorkerMessageReader reader;
  const auto message = reader.next(owner_socket, 0);
  if (!message || !*message || (**message).kind != PacketKind::terms)
    leave(exit_unfit);  // whoever has started it has ended
  const auto body = decode_body((**message).body);
  return body ? spawn_terms_of(*body) : Result<SpawnTerms>{body.error()};
}

Status register_all(Engine& engine, const SpawnTerms& terms, const std::map<std::string, SpawnFunction>& functions) {
  if (terms.is_module)
    return load_module(engine, terms.name);
  const auto found = functions.find(terms.name);
  if (found == functions.end())
    return Error{Errc::bad_argument, "process '" + terms.name + "'",
                 "the program that was started has no such function",
                 "Name it in the call of serve_if_spawned() of that program"};
  Status registered;
  const Status called = call_user([&] { registered = found->second(engine); });
  return called ? registered : called;
}

[[noreturn]] void serve(const std::map<std::string, SpawnFunction>& functions) {
  // What it starts was not spawned.
  ::fcntl(owner_socket, F_SETFD, FD_CLOEXEC);
  take_program_name();
  ::unsetenv(spawn_mark_name);
  const auto terms = received_terms();
  if (!terms)
    refuse(terms.error());
  const std::chrono::milliseconds grace{terms->grace_ms};
  leave_in_time(grace);
  auto engine = Engine::from_handle(terms->handle);
  if (!engine)
    refuse(engine.error());
  if (const Status registered = register_all(*engine, *terms, functions); !registered)
    refuse(registered.error());
  const auto hosted = engine->host_agents();
  if (!hosted)
    refuse(hosted.error());
  if (!send_message(owner_socket, PacketKind::ready, encode_body(Value{*hosted}).value()))
    leave(exit_ended);
  wait_for_end();
  (void)engine->shutdown(grace);
  leave(exit_ended);
}

}  // namespace

Value to_value(const SpawnTerms& terms) {
  return Value::list({Value{terms.handle}, Value{terms.name}, Value{terms.is_module}, Value{terms.grace_ms}});
}

Result<SpawnTerms> spawn_terms_of(const Value& value) {
  if (!value.is_list() || value.size() != 4 || !value[std::size_t{0}].is_string() ||
      !value[std::size_t{1}].is_string() || !value[std::size_t{2}].is_bool() || !value[std::size_t{3}].is_int())
    return Error{Errc::bad_input, "serve_if_spawned", "what arrived are no terms",
                 "Build the program and the library from one version"};
  return SpawnTerms{.handle = std::string{value[std::size_t{0}].as_string()},
                    .name = std::string{value[std::size_t{1}].as_string()},
                    .is_module = value[std::size_t{2}].as_bool(),
                    .grace_ms = value[std::size_t{3}].as_int()};
}

bool serves_if_spawned() {
  const std::lock_guard lock{served().mutex};
  return served().serves;
}

std::vector<std::string> spawn_functions() {
  const std::lock_guard lock{served().mutex};
  return served().functions;
}

bool is_idle_spawned() noexcept { return is_marked(spawn_mark_name); }
std::string spawn_mark() { return mark_of(spawn_mark_name); }

}  // namespace actors

void serve_if_spawned(std::map<std::string, SpawnFunction> functions) {
  {
    const std::lock_guard lock{actors::served().mutex};
    actors::served().serves = true;
    for (const auto& [name, function] : functions)
      actors::served().functions.push_back(name);
  }
  if (actors::is_idle_spawned())
    actors::serve(functions);
  // Nobody is left who wants it to run; as a program of its own nobody has asked for it.
  if (actors::is_orphaned(actors::spawn_mark_name))
    actors::leave(actors::exit_ended);
}

}  // namespace theus
