// Engines that join another one. Where nothing else is said, they join from the same process, which the owner cannot
// tell.

#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::Subprocess;
using Clock = std::chrono::steady_clock;

constexpr const char* joiner = THEUS_BINARY_DIR "/bin/test_joiner";

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

bool comes_true(const auto& condition, std::chrono::seconds patience = 30s) {
  const auto deadline = Clock::now() + patience;
  while (!condition() && Clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

Digest digest_of(const Engine& engine) { return digest(engine.state().find(Path{}).value()); }

/// An engine that others join.
struct OwnerStage {
  testing::Folder folder;
  std::mutex mutex;
  std::vector<std::string> log;  // guarded by mutex
  std::optional<Engine> owner;

  explicit OwnerStage(EngineOptions options = {}) {
    options.threads = 1;
    options.attach.folder = folder.path() / ".theus";
    options.log = [this](const LogEntry& entry) {
      const std::lock_guard lock{mutex};
      log.push_back(entry.text);
    };
    if (options.initial.empty())
      options.initial = {Write::set("domain.count", 0)};
    owner.emplace(std::move(options));
  }
  std::string handle() const { return owner->context_handle().value(); }
  Engine join() const { return Engine::from_handle(handle(), {.threads = 1}).value(); }
  bool has_logged(std::string_view text) {
    const std::lock_guard lock{mutex};
    return std::ranges::any_of(log, [&](const std::string& each) { return each.find(text) != std::string::npos; });
  }
  bool is_followed_by(const Engine& joined) const {
    return comes_true([&] { return joined.version() >= owner->version(); });
  }
};

Process counting(const std::string& path) {
  return {.name = "count", .inputs = {path}, .outputs = {path}, .body = [path](Context& context) {
            return context.get<std::int64_t>(path) + 1;
          }};
}

}  // namespace

TEST_CASE("a joined engine reads the state as it stands, and what it commits stands there and here", "[join]") {
  OwnerStage stage;
  stage.owner->compare_and_swap(1, {Write::set("domain.name", "shop")}).value();
  Engine joined = stage.join();
  CHECK(joined.state().get<std::string>("domain.name").value() == "shop");
  CHECK(joined.version() == 2);

  const auto version = joined.compare_and_swap(joined.version(), {Write::set("domain.count", 5)});
  CHECK(version.value() == 3);
  CHECK(joined.state().get<int>("domain.count").value() == 5);
  CHECK(stage.owner->state().get<int>("domain.count").value() == 5);
  CHECK(joined.owner()->is_up);
  CHECK_FALSE(stage.owner->owner());
}

TEST_CASE("processes, workflows, transactions and updates of a joined engine commit there", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  joined.register_process(counting("domain.count")).value();
  CHECK(joined.execute("count").value().value == Value{1});
  const auto workflow = Workflow::parse("steps:\n  - count\n  - count\n", "counting").value();
  CHECK(joined.execute_workflow(workflow).value().steps_run == 2);
  joined.update("domain.count", [](const Value& value) { return Value{value.as_int() + 10}; }).value();
  Transaction edit = joined.edit("by hand").value();
  edit.set("domain.name", "shop").value();
  edit.commit().value();
  CHECK(stage.owner->state().get<int>("domain.count").value() == 13);
  CHECK(digest_of(joined) == digest_of(*stage.owner));
  const auto audit = stage.owner->audit_log();
  REQUIRE(audit.size() == 1);
  CHECK(audit[0].reason == "by hand");
}

TEST_CASE("a joined engine is refused what the owner refuses", "[join]") {
  EngineOptions options;
  options.initial = {Write::set("domain.count", 0), Write::set("domain.const_x", 1)};
  options.access.overrides = {{"domain.fixed", PathAccess::immutable}};
  OwnerStage stage{options};
  stage.owner->set_schema("domain.count", Schema::parse(R"({"type": "integer", "maximum": 10})").value()).value();
  Engine joined = stage.join();
  const auto set = [&](const char* path, const Value& value) {
    return code_of(joined.compare_and_swap(joined.version(), {Write::set(path, value)}));
  };
  CHECK(set("domain.count", 11) == Errc::schema_violation);
  CHECK(set("domain.const_x", 2) == Errc::contract_violation);
  CHECK(set("domain.fixed", 2) == Errc::contract_violation);
  CHECK(code_of(joined.compare_and_swap(1, {Write::set("domain.count", 3)})) == Errc{});
  const auto conflict = joined.compare_and_swap(1, {Write::set("domain.count", 4)});
  CHECK(code_of(conflict) == Errc::version_mismatch);
  CHECK(*conflict.error().field("current") == Value{3});
  CHECK(code_of(joined.set_schema("domain.count", Schema::parse("{}").value())) == Errc::unsupported);
  CHECK(code_of(Engine::from_handle(stage.handle(), {.initial = {Write::set("domain.x", 1)}})) == Errc::bad_argument);
}

TEST_CASE("requests with an id are done once, whoever asks", "[join][F02]") {
  OwnerStage stage;
  Engine joined = stage.join();
  joined.register_process(counting("domain.count")).value();
  const auto first = joined.execute("count", Value::map(), {.request_id = "one"}).value();
  const auto again = joined.execute("count", Value::map(), {.request_id = "one"}).value();
  CHECK(again.version == first.version);
  CHECK(again.value == first.value);
  const std::vector<Write> writes{Write::increment("domain.count", 1)};
  const Version base = joined.version();
  const Version there = joined.compare_and_swap(base, writes, {.request_id = "two"}).value();
  CHECK(stage.owner->compare_and_swap(base, writes, {.request_id = "two"}).value() == there);
  CHECK(joined.state().get<int>("domain.count").value() == 2);
}

TEST_CASE("watches of a joined engine are told of commits from anywhere", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  auto watch = joined.watch({"domain.count"}).value();
  stage.owner->compare_and_swap(1, {Write::set("domain.other", 1)}).value();
  stage.owner->compare_and_swap(2, {Write::set("domain.count", 1)}).value();
  const auto change = watch.next(20s);
  REQUIRE(change);
  CHECK(change->version == 3);
  CHECK(joined.state().get<int>("domain.count").value() == 1);
}

TEST_CASE("signals go both ways, in the owner's order, with the versions of their commits", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  auto here = joined.signals().subscribe();
  auto there = stage.owner->signals().subscribe();
  stage.owner->signals().send("from.owner", {{"n", 1}});
  CHECK(here.recv(20s)->name == "from.owner");
  CHECK(joined.signals().send("from.here", Value::list({1, 2})) == 1);
  CHECK(joined.signals().send("plain", std::as_bytes(std::span{"abc", 3})) == 2);
  for (auto* receiver : {&here, &there}) {
    if (receiver == &there)
      CHECK(there.recv(20s)->name == "from.owner");
    CHECK(receiver->recv(20s)->payload == Value::list({1, 2}));
    CHECK(receiver->recv(20s)->payload.bytes().size() == 3);
  }
  joined
      .register_process({.name = "tell",
                         .outputs = {"domain.count"},
                         .body =
                             [](Context& context) {
                               context.emit("counted", 7);
                               return 7;
                             }})
      .value();
  const Version version = joined.execute("tell").value().version;
  const Received counted = here.recv(20s);
  CHECK(counted->name == "counted");
  CHECK(counted->version == version);
  CHECK(there.recv(20s)->version == version);
}

TEST_CASE("a subscriber of a joined engine hears of every signal or of its loss", "[join]") {
  OwnerStage stage;
  Engine joined = Engine::from_handle(stage.handle(), {.threads = 1}).value();
  auto here = joined.signals().subscribe();
  constexpr std::uint64_t all = 50'000;
  std::uint64_t heard = 0;
  std::uint64_t lost = 0;
  std::thread sender{[&] {
    for (std::uint64_t i = 0; i < all; ++i)
      stage.owner->signals().send("storm", i);
  }};
  while (heard + lost < all) {
    const Received signal = here.recv(20s);
    if (signal.is_lagged())
      lost += signal.lagged();
    else if (signal)
      ++heard;
    else
      break;
  }
  sender.join();
  CHECK(heard + lost == all);
  CHECK(heard > 0);
}

TEST_CASE("agents of a joined engine act on what happens at the owner's, and commit there", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  Agent agent;
  agent.name = "follower";
  agent.reads = {"domain.count"};
  agent.writes = {"domain.seen"};
  agent.on.changes = {"domain.count"};
  agent.body = [](Context& context) { context.set("domain.seen", context.get<std::int64_t>("domain.count")); };
  joined.spawn_agent(std::move(agent)).value();
  stage.owner->compare_and_swap(stage.owner->version(), {Write::set("domain.count", 42)}).value();
  CHECK(comes_true([&] { return stage.owner->state().get<int>("domain.seen", 0).value() == 42; }));
}

TEST_CASE("an engine that is told to join is told why it cannot [F115]", "[join]") {
  OwnerStage stage;
  CHECK(code_of(Engine::from_handle("nonsense")) == Errc::bad_argument);
  CHECK(code_of(Engine::from_handle("unix:" + (stage.folder.path() / "nobody").string())) == Errc::owner_down);
  Engine moved = stage.join();
  Engine joined = std::move(moved);
  CHECK(joined.execute("nothing").error().code() == Errc::unknown_process);
}

TEST_CASE("commits of two joined processes and the owner make one history [F01]", "[join]") {
  OwnerStage stage;
  stage.owner->register_process(counting("domain.count")).value();
  Subprocess first{{joiner, stage.handle(), "count", "domain.count", "300"}};
  Subprocess second{{joiner, stage.handle(), "count", "domain.count", "300"}};
  for (int i = 0; i < 300; ++i)
    stage.owner->execute("count", Value::map(), {.timeout = 60s}).value();
  first.wait_for_out("counted");
  second.wait_for_out("counted");
  stage.owner->compare_and_swap(stage.owner->version(), {Write::set("domain.end", true)}).value();
  const std::string digest =
      "digest " + digest_of(*stage.owner).text() + " of " + std::to_string(stage.owner->version()) + "\n";
  CHECK(stage.owner->state().get<int>("domain.count").value() == 900);
  CHECK(first.finish().out == "counted\n" + digest);
  CHECK(second.finish().out == "counted\n" + digest);
}

TEST_CASE("commits that go on while a process joins are all there once it has", "[join]") {
  EngineOptions options;
  for (int i = 0; i < 2000; ++i)
    options.initial.push_back(Write::set(Path{"domain.big"}.key("k" + std::to_string(i)), std::string(500, 'x')));
  OwnerStage stage{options};
  std::jthread writer{[&](const std::stop_token& end) {
    for (int i = 0; !end.stop_requested(); ++i)
      stage.owner
          ->compare_and_swap(stage.owner->version(),
                             {Write::set(Path{"domain.big"}.key("k" + std::to_string(i % 2000)), i)})
          .value();
  }};
  std::vector<Engine> joined;
  for (int i = 0; i < 3; ++i)
    joined.push_back(stage.join());
  writer.request_stop();
  writer.join();
  for (const Engine& each : joined) {
    CHECK(stage.is_followed_by(each));
    CHECK(digest_of(each) == digest_of(*stage.owner));
  }
}

TEST_CASE("a killed process leaves whole commits, and all that were acknowledged [F01][F02]", "[join]") {
  OwnerStage stage;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
#ifdef __SANITIZE_ADDRESS__
  constexpr int kills = 10;
#else
  constexpr int kills = 60;
#endif
  for (int i = 0; i < kills; ++i) {
    const std::string name = "p" + std::to_string(i % 4);
    const Path place = Path{"domain"}.key(name).key("left");
    const auto before = stage.owner->state().get<std::int64_t>(place, 0).value();
    Subprocess writer{{joiner, stage.handle(), "pairs", name}};
    const auto first = before + 1 + static_cast<std::int64_t>(random() % 50);
    writer.wait_for_out("wrote " + std::to_string(first) + "\n");
    writer.signal(SIGKILL);
    const std::string told = writer.finish().out;
    const auto last_line = told.rfind("wrote ", told.rfind('\n'));
    const auto acknowledged = std::stoll(told.substr(last_line + 6));
    const Snapshot state = stage.owner->state();
    const Path here = Path{"domain"}.key(name);
    const auto left = state.get<std::int64_t>(here.key("left")).value();
    REQUIRE(left == state.get<std::int64_t>(here.key("right")).value());
    REQUIRE(left >= acknowledged);
  }
}

TEST_CASE("a process that stands still is let go of, refused, and joins again [F10]", "[join]") {
  OwnerStage stage;
  Subprocess writer{{joiner, stage.handle(), "pairs", "p"}};
  writer.wait_for_out("wrote 5\n");
  writer.signal(SIGSTOP);
  CHECK(comes_true([&] { return stage.has_logged("silent for too long"); }));
  const auto left = stage.owner->state().get<std::int64_t>("domain.p.left").value();
  stage.owner->compare_and_swap(stage.owner->version(), {Write::set("domain.count", 77)}).value();
  writer.signal(SIGCONT);
  writer.wait_for_out("refused ");
  writer.wait_for_out("wrote " + std::to_string(left + 20) + "\n");
  CHECK(stage.owner->state().get<int>("domain.count").value() == 77);
}

TEST_CASE("an owner without a journal has no heir: who joined it is refused by the next one [F117]", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  stage.owner.reset();
  CHECK(comes_true([&] { return !joined.owner()->is_up; }));
  CHECK(code_of(joined.compare_and_swap(joined.version(), {Write::set("domain.x", 1)})) == Errc::owner_down);
  EngineOptions options;
  options.attach.folder = stage.folder.path() / ".theus";
  stage.owner.emplace(options);
  CHECK(comes_true([&] {
    return code_of(joined.compare_and_swap(joined.version(), {Write::set("domain.x", 1)})) == Errc::stale_epoch;
  }));
  CHECK_FALSE(joined.owner()->is_up);
  CHECK(joined.state().get<int>("domain.count").value() == 0);
  CHECK_FALSE(stage.owner->state().contains("domain.x"));
}

TEST_CASE("a proposal that is too large is refused before it is sent, and the link goes on [F92]", "[join]") {
  OwnerStage stage;
  Engine joined = stage.join();
  Value large = Value::list();
  for (int i = 0; i < 5; ++i)
    large.push_back(std::string(std::size_t{4} << 20, 'x'));
  const auto refused = joined.compare_and_swap(joined.version(), {Write::set("domain.large", large)});
  REQUIRE(code_of(refused) == Errc::too_large);
  CHECK(*refused.error().field("limit") == Value{16 << 20});
  CHECK_FALSE(stage.owner->state().contains("domain.large"));
  CHECK(joined.compare_and_swap(joined.version(), {Write::set("domain.count", 1)}));
  CHECK(joined.owner()->joins == 1);
}

}  // namespace theus
