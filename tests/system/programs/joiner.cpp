// A process that joins an engine and works there, for tests that watch or kill it.
//
//   joiner HANDLE count PATH TIMES    increments the path, says "counted", waits for domain.end, tells its digest
//   joiner HANDLE pairs NAME          writes one number to two paths below domain.NAME in each commit, and says which
//                                     were written; goes on when the owner is down, and says that, too
//   joiner HANDLE ledger NAME         puts one entry after the other down below domain.NAME, each once whatever happens
//                                     to it and to the owner, and says which were; reads heavy.rows meanwhile, if it is
//                                     there
//   joiner HANDLE echo                answers each signal `ask` with a signal `told` of the same payload

#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

namespace {

using namespace theus;
using namespace std::chrono_literals;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

int count(Engine& engine, const std::string& path, int times) {
  engine
      .register_process({.name = "count",
                         .inputs = {path},
                         .outputs = {path},
                         .attempts_max = 1000,
                         .body = [path](Context& context) { return context.get<std::int64_t>(path) + 1; }})
      .value();
  for (int i = 0; i < times; ++i)
    if (auto done = engine.execute("count", Value::map(), {.timeout = 60s}); !done) {
      say(done.error().text());
      return 1;
    }
  say("counted");
  engine.wait_for_change({"domain.end"}, 1, 60s).value();
  const Snapshot state = engine.state();
  say("digest " + digest(state.find(Path{}).value()).text() + " of " + std::to_string(state.version()));
  return 0;
}

int pairs(Engine& engine, const std::string& name) {
  const Path here = Path{"domain"}.key(name);
  std::string fault;
  for (std::int64_t number = engine.state().get<std::int64_t>(here.key("left"), 0).value() + 1;;) {
    const auto written = engine.compare_and_swap(
        engine.version(), {Write::set(here.key("left"), number), Write::set(here.key("right"), number)});
    if (written) {
      say("wrote " + std::to_string(number));
      fault.clear();
      ++number;
      continue;
    }
    if (const std::string now{to_string(written.error().code())}; now != fault)
      say("refused " + (fault = now));
    std::this_thread::yield();
  }
}

/// Looks at the buffer that stands there, all of whose numbers are the same, and keeps it.
std::optional<HeavyView<std::int64_t>> rows_of(Engine& engine) {
  const Value handle = engine.state().find("heavy.rows").value_or(Value{});
  if (!handle.is_heavy())
    return std::nullopt;
  auto rows = engine.heavy().view<std::int64_t>(handle);
  if (!rows)  // replaced and gone meanwhile
    return std::nullopt;
  for (const std::int64_t number : rows->span())
    if (number != rows->span()[0]) {
      say("torn rows");
      std::abort();
    }
  return *std::move(rows);
}

int ledger(Engine& engine, const std::string& name) {
  const Path here = Path{"domain"}.key(name);
  for (std::int64_t number = engine.state().get<std::int64_t>(here.key("left"), 0).value() + 1;; ++number) {
    const auto rows = rows_of(engine);
    const auto put_down = [&](Transaction& transaction) -> Status {
      const auto entries = transaction.get<std::int64_t>(here.key("entries"), 0);
      if (!entries)
        return entries.error();
      for (const auto& [key, value] : {std::pair{"left", number}, {"right", number}, {"entries", *entries + 1}})
        if (auto set = transaction.set(here.key(key), value); !set)
          return set;
      return {};
    };
    if (const auto written = engine.transaction(put_down, {.request_id = name + "." + std::to_string(number)});
        !written) {
      say(written.error().text());
      return 1;
    }
    say("wrote " + std::to_string(number));
  }
}

int echo(Engine& engine) {
  auto asked = engine.signals().subscribe({.filter = "ask"});
  say("listens");
  while (true) {
    const Received signal = asked.recv(60s);
    if (!signal)
      return 1;
    engine.signals().send("told", signal->payload.value());
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto joined = Engine::from_handle(argc > 2 ? argv[1] : "", {.threads = 1, .join = {.patience = 60s}});
  if (!joined) {
    say(joined.error().text());
    return 2;
  }
  const std::string task = argv[2];
  if (task == "count" && argc == 5)
    return count(*joined, argv[3], std::atoi(argv[4]));
  if (task == "pairs" && argc == 4)
    return pairs(*joined, argv[3]);
  if (task == "ledger" && argc == 4)
    return ledger(*joined, argv[3]);
  return task == "echo" ? echo(*joined) : 2;
}
