#include "tests/support/isolated_bodies.hpp"
#include "tests/support/worker_campaign.hpp"
#include "tests/system/command_line.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <mutex>
#include <thread>

namespace theus::testing {
namespace {

using std::chrono::milliseconds;

struct Logged {
  std::mutex mutex;
  std::vector<LogEntry> entries;

  LogSink sink() {
    return [this](const LogEntry& entry) {
      const std::lock_guard lock{mutex};
      entries.push_back(entry);
    };
  }
  std::size_t count(std::string_view process) {
    const std::lock_guard lock{mutex};
    return static_cast<std::size_t>(std::ranges::count(entries, process, &LogEntry::process));
  }
};

EngineOptions with_workers(std::vector<std::string> command, std::size_t count = 1) {
  EngineOptions options;
  options.log = [](const LogEntry&) {};
  options.workers.command = std::move(command);
  options.workers.count_max = count;
  return options;
}

EngineOptions of_module(std::size_t count = 1) {
  return with_workers({THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module("isolated")}, count);
}

std::unique_ptr<Engine> engine_of(EngineOptions options) {
  auto engine = std::make_unique<Engine>(std::move(options));
  register_isolated_bodies(*engine).value();
  return engine;
}

Error error_of(const Result<Executed>& result) {
  return result ? Error{Errc::internal, "the test", "it succeeded"} : result.error();
}

constexpr bool has_address_sanitizer =
#ifdef __SANITIZE_ADDRESS__
    true;
#else
    false;
#endif

}  // namespace

TEST_CASE("an isolated body runs in another process, and its commit is like any other", "[isolated]") {
  const auto engine = engine_of(of_module());
  const auto first = engine->execute("count");
  REQUIRE(first);
  CHECK(first->value == Value{1});
  CHECK(engine->execute("count").value().version == first->version + 1);
  CHECK(engine->state().get<int>("domain.count").value() == 2);
  const auto who = engine->execute("who").value().get<std::int64_t>().value();
  CHECK(who != ::getpid());
  CHECK(engine->execute("who").value().get<std::int64_t>().value() == who);
}

TEST_CASE("calls of isolated bodies run in as many workers as there may be", "[isolated]") {
  const auto engine = engine_of(of_module(2));
  std::vector<PendingExecution> calls;
  for (int i = 0; i < 40; ++i)
    calls.push_back(engine->execute_async("count", Value::map(), {.timeout = std::chrono::seconds{60}}));
  int succeeded = 0;
  for (PendingExecution& call : calls)
    succeeded += call.get().ok() ? 1 : 0;
  // Conflicts run the body again, in a worker.
  CHECK(engine->state().get<int>("domain.count").value() == succeeded);
  CHECK(succeeded > 0);
}

TEST_CASE("[F01] a body that crashes costs its execution and nothing else", "[isolated]") {
  Logged logged;
  auto options = of_module();
  options.log = logged.sink();
  const auto engine = engine_of(options);
  REQUIRE(engine->execute("count"));
  const std::string name = GENERATE("crash", "exit", "overflow");
  const Version before = engine->version();
  const Error error = error_of(engine->execute(name));
  INFO(error.text());
  CHECK(error.code() == Errc::worker_died);
  REQUIRE(error.field("pid") != nullptr);
  CHECK(error.field("pid")->as_int() > 1);
  CHECK(*error.field("deaths") == Value{3});
  if (name == "exit")
    CHECK(*error.field("exit") == Value{3});
  else if (name == "crash" && !has_address_sanitizer)
    CHECK(*error.field("signal") == Value{SIGSEGV});
  CHECK(engine->version() == before);
  CHECK(engine->execute("count").value().value == Value{2});
  CHECK(logged.count("isolated") == 3);
}

TEST_CASE("[F01] a call whose worker is killed before its answer is run by another one", "[isolated]") {
  const Folder folder;
  const auto engine = engine_of(of_module());
  const auto result = engine->execute("crash_once", Value{{"mark", (folder.path() / "mark").string()}});
  INFO((result ? "" : result.error().text()));
  REQUIRE(result);
  CHECK(engine->state().get<int>("domain.survived").value() == 1);
}

TEST_CASE("[F02] a worker that is killed after its answer takes nothing of its commit away", "[isolated]") {
  const auto engine = engine_of(of_module());
  const ExecuteOptions once{.request_id = "only once"};
  const auto first = engine->execute("count", Value::map(), once);
  REQUIRE(first);
  const auto pid = engine->execute("who").value().get<std::int64_t>().value();
  REQUIRE(::kill(static_cast<pid_t>(pid), SIGKILL) == 0);
  const auto again = engine->execute("count", Value::map(), once);
  REQUIRE(again);
  CHECK(again->version == first->version);
  CHECK(engine->state().get<int>("domain.count").value() == 1);
  CHECK(engine->execute("count").value().value == Value{2});
}

TEST_CASE("[F15] a body that hangs is killed after its deadline, and nothing of it is written", "[isolated]") {
  auto options = of_module();
  options.workers.grace = milliseconds{20};
  const auto engine = engine_of(options);
  REQUIRE(engine->execute("count"));
  const Error error = error_of(engine->execute("hang"));
  CHECK(error.code() == Errc::deadline);
  // The only worker is the one that hangs; this call waits for its end.
  const auto next = engine->execute("count");
  REQUIRE(next);
  CHECK(next->value == Value{2});
  CHECK_FALSE(engine->state().contains("domain.hung"));
}

TEST_CASE("[F15] a body that looks whether it is cancelled keeps its worker", "[isolated]") {
  auto options = of_module();
  options.workers.grace = std::chrono::seconds{20};
  const auto engine = engine_of(options);
  const auto who = engine->execute("who").value().value;
  CHECK(error_of(engine->execute("polite")).code() == Errc::deadline);
  CHECK(engine->execute("who").value().value == who);
}

TEST_CASE("a caller who cancels an isolated body is heard in the worker", "[isolated]") {
  const auto engine = engine_of(of_module());
  const auto who = engine->execute("who").value().value;
  std::stop_source stop;
  auto call =
      engine->execute_async("polite", Value::map(), {.timeout = std::chrono::seconds{60}, .cancel = stop.get_token()});
  stop.request_stop();
  CHECK(error_of(call.get()).code() == Errc::cancelled);
  REQUIRE(engine->execute("who"));
}

TEST_CASE("memory beyond a worker's limit is refused to its body, and the worker replaced", "[isolated]") {
  if (has_address_sanitizer)
    return;  // it reserves terabytes of addresses
  auto options = of_module();
  options.workers.memory_bytes_max = std::uint64_t{1} << 30;
  const auto engine = engine_of(options);
  const auto before = engine->execute("who").value().value;
  CHECK(error_of(engine->execute("hungry")).code() == Errc::resource_exhausted);
  const auto after = engine->execute("who");
  REQUIRE(after);
  CHECK(after->value != before);
}

TEST_CASE("a body that uses more processor time than a call may is killed", "[isolated]") {
  auto options = of_module();
  options.workers.processor_time_max = std::chrono::seconds{1};
  options.workers.deaths_max = 1;
  const auto engine = engine_of(options);
  const Error error = error_of(engine->execute("hang", Value::map(), {.timeout = std::chrono::seconds{60}}));
  INFO(error.text());
  CHECK(error.code() == Errc::worker_died);
  CHECK(*error.field("signal") == Value{SIGXCPU});
}

TEST_CASE("log, progress, time and random numbers of an isolated body reach the engine", "[isolated]") {
  Logged logged;
  auto options = of_module();
  options.log = logged.sink();
  const auto engine = engine_of(options);
  CHECK(engine->execute("talk").value().value == Value{"talk"});
  const Progress progress = engine->progress("talk");
  CHECK(progress.done == 3);
  CHECK(progress.total == 4);
  REQUIRE(logged.count("talk") == 1);
  CHECK(logged.entries.front().text == "said");
  CHECK(logged.entries.front().level == LogLevel::warning);
  CHECK(*logged.entries.front().fields.find("attempt") == Value{1});
}

TEST_CASE("errors of an isolated body reach the caller as they are", "[isolated]") {
  const auto engine = engine_of(of_module());
  const Error failed = error_of(engine->execute("fail"));
  CHECK(failed.code() == Errc::bad_input);
  CHECK(failed.cause() == "it is empty");
  const Error thrown = error_of(engine->execute("throw"));
  CHECK(thrown.code() == Errc::process_failed);
  CHECK(has(thrown.text(), "thrown in a worker"));
  const Error stray = error_of(engine->execute("stray"));
  CHECK(stray.code() == Errc::contract_violation);
  REQUIRE(engine->compare_and_swap(engine->version(), {{"domain.secret", 7}}));
  CHECK(error_of(engine->execute("peek")).code() == Errc::contract_violation);
}

TEST_CASE("what does not fit a packet goes in a file, both ways", "[isolated]") {
  const auto engine = engine_of(of_module());
  Value bulk = Value::list();
  for (int i = 0; i < 20'000; ++i)
    bulk.push_back("item number " + std::to_string(i));
  REQUIRE(engine->compare_and_swap(engine->version(), {{"domain.bulk", bulk}}));
  REQUIRE(engine->execute("bulk"));
  CHECK(engine->state().get("domain.copy").value() == bulk);
  const Value echoed = engine->execute("echo", Value{{"value", bulk}}).value().value;
  CHECK(echoed == bulk);
}

TEST_CASE("the same seed and inputs give the same state, isolated or not", "[isolated]") {
  const auto digest_of = [](const std::string& process) {
    auto options = of_module();
    options.seed = 42;
    options.initial = {{"domain.items", Value::list({Value{1}, Value{2}, Value{3}})},
                       {"domain.rows", Value::list({Value{10}, Value{20}})},
                       {"domain.gone", 1},
                       {"domain.shops", {{"north", {{"price", 5}, {"sold", 1}}}, {"south", {{"price", 7}}}}}};
    const auto engine = engine_of(options);
    for (int i = 0; i < 3; ++i) {
      const auto ran = engine->execute(process, Value{{"factor", i}});
      INFO((ran ? "" : ran.error().text()));
      REQUIRE(ran);
    }
    Value all = engine->state().find("domain").value();
    return all;
  };
  Value there = digest_of("mix");
  Value here = digest_of("mix_here");
  // Their streams of random numbers are named after them.
  REQUIRE(there.find("log_seen")->size() == 3);
  REQUIRE(here.find("log_seen")->size() == 3);
  there.erase("log_seen");
  here.erase("log_seen");
  CHECK(there == here);
  CHECK(digest_of("mix") == digest_of("mix"));
}

TEST_CASE("a journal of isolated bodies is run again in process", "[isolated][replay]") {
  const Folder folder;
  const std::string flow =
      folder.file("flow.yaml", "steps: [count, count, {process: echo, args: {value: 3}}, count]\n");
  const std::string journal = (folder.path() / "run.journal").string();
  const Finished ran = theus({"run", flow, "--module", module("isolated"), "--journal", journal, "--durability", "os",
                              "--no-attach", "--get", "domain.count"});
  INFO(ran.err);
  CHECK(ran.exit == 0);
  CHECK(ran.out == "3\n");
  const Finished again = theus({"replay", journal, "--rerun", "--module", module("isolated")});
  INFO(again.err);
  CHECK(again.exit == 0);
  CHECK(has(again.out, "3 process"));
}

TEST_CASE("a worker's standard output does not mix with that of its engine", "[isolated]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [talk]\n");
  const Finished ran = theus({"run", flow, "--module", module("isolated"), "--no-attach", "--json"});
  INFO(ran.err);
  CHECK(document(ran.out).is_object());
  CHECK(has(ran.err, "to standard output"));
}

TEST_CASE("a module that cannot be loaded by workers is told with its reason", "[isolated]") {
  const auto refused_by = [](const std::string& name) {
    const auto engine = engine_of(with_workers({THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module(name)}));
    return error_of(engine->execute("count"));
  };
  CHECK(refused_by("missing").code() == Errc::bad_input);
  CHECK(refused_by("no_module").code() == Errc::bad_input);
  const Error other = refused_by("shop");
  CHECK(other.code() == Errc::unknown_process);
  CHECK(has(other.text(), "count"));
}

TEST_CASE("a worker that cannot be started is told, not waited for", "[isolated]") {
  const auto missing = engine_of(with_workers({"/no/such/program"}));
  CHECK(error_of(missing->execute("count")).code() == Errc::bad_argument);
  const auto leaves = engine_of(with_workers({"/bin/false"}));
  const Error error = error_of(leaves->execute("count"));
  CHECK(error.code() == Errc::worker_died);
  CHECK(has(error.text(), "exit code 1"));
  const auto dies = engine_of(with_workers({THEUS_BINARY_DIR "/bin/test_hostile_worker", "never_ready"}));
  CHECK(error_of(dies->execute("count")).code() == Errc::worker_died);
}

TEST_CASE("a worker that does not answer as workers do is killed, and commits nothing", "[isolated]") {
  const std::string how = GENERATE("garbage", "huge_file", "empty_file", "early_answer", "engines_words", "no_cbor",
                                   "empty_answer", "no_error", "bad_path");
  INFO(how);
  Logged logged;
  auto options = with_workers({THEUS_BINARY_DIR "/bin/test_hostile_worker", how});
  options.workers.deaths_max = 1;
  options.log = logged.sink();
  const auto engine = engine_of(options);
  const Version before = engine->version();
  const Error error = error_of(engine->execute("count", Value::map(), {.timeout = std::chrono::seconds{20}}));
  INFO(error.text());
  CHECK((error.code() == Errc::worker_died || error.code() == Errc::bad_input));
  CHECK(engine->version() == before);
}

TEST_CASE("a worker's answer is held to the contract as a body is", "[isolated]") {
  const std::string how = GENERATE("stray_write", "global_write", "stray_read");
  INFO(how);
  const auto engine = engine_of(with_workers({THEUS_BINARY_DIR "/bin/test_hostile_worker", how}));
  const Version before = engine->version();
  const Error error = error_of(engine->execute("count"));
  INFO(error.text());
  CHECK(error.code() == Errc::contract_violation);
  CHECK(engine->version() == before);
}

TEST_CASE("of two answers to one call the first counts", "[isolated]") {
  const auto engine = engine_of(with_workers({THEUS_BINARY_DIR "/bin/test_hostile_worker", "twice"}));
  CHECK(error_of(engine->execute("count")).code() == Errc::process_failed);
  CHECK(engine->version() == 0);
}

TEST_CASE("a program with a main of its own is its own worker", "[isolated]") {
  const auto told = [](const std::string& mode) {
    return run({THEUS_BINARY_DIR "/bin/test_own_worker"}, {.environment = {"OWN_WORKER_MODE=" + mode}});
  };
  CHECK(told("").out == "ok\nok\n2\n");
  const Finished forgets = told("forgets");
  CHECK(forgets.exit == 3);
  CHECK(has(forgets.out, "unsupported"));
  CHECK(has(forgets.out, "serve_if_worker"));
  CHECK(has(told("knows_nothing").out, "unknown_process"));
  CHECK(has(told("other_contract").out, "declares it otherwise"));
  CHECK(has(told("registration_throws").out, "no table today"));
}

TEST_CASE("what a worker cannot do is refused when a process is registered", "[isolated]") {
  Engine engine{of_module()};
  const auto refusal = [&](Process process) {
    process.isolated = true;
    process.body = [](Context&) {};
    const Status status = engine.register_process(std::move(process));
    return status ? Errc::internal : status.error().code();
  };
  CHECK(refusal({.name = "p", .side_effects = {"admin"}}) == Errc::unsupported);
}

TEST_CASE("an engine that is shut down kills workers that do not end, within its time", "[isolated]") {
  const std::ptrdiff_t open_before = open_descriptors();
  const std::size_t children_before = children().size();
  {
    const auto engine = engine_of(of_module(2));
    REQUIRE(engine->execute("count"));
    auto hung = engine->execute_async("hang", Value::map(), {.timeout = std::chrono::minutes{10}});
    while (engine->statistics().processes.empty())
      std::this_thread::yield();
    CHECK(engine->shutdown(std::chrono::seconds{2}));
    const Error error = error_of(hung.get());
    CHECK(error.code() == Errc::closed);
  }
  CHECK(children().size() == children_before);
  CHECK(open_descriptors() == open_before);
}

TEST_CASE("workers killed at random moments lose no acknowledged commit and leave nothing [F01][F02]", "[isolated]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  const auto result = WorkerCampaign{of_module().workers.command, seed}.run(has_address_sanitizer ? 20 : 200);
  INFO(result.text());
  CHECK(result.lost + result.twice + result.other == 0);
  CHECK(result.acknowledged > 0);
  CHECK(result.descriptors_left == 0);
  CHECK(result.files_left == 0);
  CHECK(result.children_left == 0);
}

}  // namespace theus::testing
