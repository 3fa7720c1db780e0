#include "tests/support/isolated_bodies.hpp"
#include "tests/support/worker_campaign.hpp"
#include "tests/system/command_line.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <mutex>
#include <thread>

namespace theus::testing {
namespace {

struct Stage {
  explicit Stage(std::vector<std::string> command, HeavyOptions heavy = {})
      : engine{options(std::move(command), heavy)} {
    register_isolated_bodies(engine).value();
  }
  explicit Stage(HeavyOptions heavy = {})
      : Stage(std::vector<std::string>{THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module("isolated")},
              heavy) {}

  static EngineOptions options(std::vector<std::string> command, HeavyOptions heavy) {
    EngineOptions options;
    options.log = [](const LogEntry&) {};
    options.workers.command = std::move(command);
    options.workers.count_max = 1;
    options.workers.deaths_max = 1;
    options.heavy = heavy;
    return options;
  }

  Result<Executed> build(int rows, std::int64_t numbers) {
    return engine.execute("build", Value{{"rows", rows}, {"numbers", numbers}});
  }
  Errc refusal(const std::string& name, const Value& arguments = Value::map()) {
    const auto ran = engine.execute(name, arguments);
    UNSCOPED_INFO((ran ? "it succeeded" : ran.error().text()));
    return ran ? Errc{} : ran.error().code();
  }
  HeavyView<float> row(std::size_t number) {
    return engine.heavy().view<float>(engine.state().get<Value>("heavy.rows").value()[number]).value();
  }
  HeavyStatistics heavy() {
    (void)engine.state_statistics();  // looks which old versions are held
    return engine.heavy().statistics();
  }
  void forget() { engine.compare_and_swap(engine.version(), {{"heavy.rows", Value{}}}).value(); }
  /// What is let go of when a worker ends or an answer was heard is gone a moment later.
  bool has_no_buffer() {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (heavy().buffers > 0 && std::chrono::steady_clock::now() < patience)
      std::this_thread::yield();
    return heavy().buffers == 0 && heavy().bytes_used == 0;
  }

  Engine engine;
};

}  // namespace

TEST_CASE("what an isolated body builds is committed without a copy, and outlives its worker", "[isolated][heavy]") {
  Stage stage;
  REQUIRE(stage.build(3, 1'000'000));
  const auto pid = static_cast<pid_t>(stage.engine.execute("who").value().get<std::int64_t>().value());
  ::kill(pid, SIGKILL);
  CHECK(stage.refusal("crash") == Errc::worker_died);
  CHECK(stage.heavy().buffers == 3);
  CHECK(stage.heavy().bytes_copied == 0);
  for (std::size_t number = 0; number < 3; ++number) {
    const auto view = stage.row(number);
    REQUIRE(view.size() == 1'000'000);
    CHECK(std::ranges::count(view.span(), static_cast<float>(number)) == 1'000'000);
  }
  stage.forget();
  CHECK(stage.has_no_buffer());
}

TEST_CASE("an isolated body reads the buffers of its inputs where they lie", "[isolated][heavy]") {
  Stage stage;
  Value rows = Value::list();
  for (const float number : {1.0F, 2.0F})
    rows.push_back(stage.engine.heavy().copy<float>(std::vector<float>(1'000, number)).value());
  const auto copied = stage.heavy().bytes_copied;
  stage.engine.compare_and_swap(stage.engine.version(), {{"heavy.rows", rows}}).value();
  rows = {};
  CHECK(stage.engine.execute("sum").value().get<double>().value() == 3'000);
  CHECK(stage.heavy().bytes_copied == copied);
  // Those of another worker as well.
  REQUIRE(stage.build(100, 1'000));
  CHECK(stage.engine.execute("sum").value().get<double>().value() == 4'950'000);
  REQUIRE(stage.engine.execute("pass_on"));
  stage.forget();
  CHECK(stage.engine.heavy().view<float>(stage.engine.state().get<Value>("heavy.kept").value()).value()[999] == 0);
  CHECK(stage.heavy().buffers == 1);
}

TEST_CASE("numbers that an isolated body gives for a heavy path are copied as anybody's", "[isolated][heavy]") {
  Stage stage;
  REQUIRE(stage.engine.execute("numbers"));
  const Value handle = stage.engine.state().get<Value>("heavy.rows").value();
  CHECK(stage.engine.heavy().view<double>(handle).value()[1] == 2.5);
  CHECK(stage.heavy().bytes_copied == 16);
}

TEST_CASE("an isolated body sees what it has built itself", "[isolated][heavy]") {
  CHECK(Stage{}.engine.execute("see_own").value().get<double>().value() == 2);
}

TEST_CASE("[F03] a worker that is killed while it builds a heavy buffer leaves nothing", "[isolated][heavy]") {
  const std::string when = GENERATE("writing", "published");
  INFO(when);
  const auto descriptors = open_descriptors();
  {
    Stage stage;
    REQUIRE(stage.engine.execute("refill"));
    const auto before = stage.heavy();
    const auto open_before = open_descriptors();
    const Version version = stage.engine.version();
    for (int i = 0; i < 5; ++i)
      CHECK(stage.refusal("refill", Value{{"die", when}}) == Errc::worker_died);
    CHECK(stage.engine.version() == version);
    REQUIRE(stage.engine.execute("refill"));
    CHECK(stage.row(0)[0] == 2);
    // The caller is answered before the last call lets go of what it read.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (stage.heavy().buffers != before.buffers && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    CHECK(stage.heavy().buffers == before.buffers);
    CHECK(stage.heavy().bytes_used == before.bytes_used);
    CHECK(stage.heavy().bytes_reserved == before.bytes_reserved);
    CHECK(open_descriptors() == open_before);
    stage.forget();
    CHECK(stage.has_no_buffer());
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("[F03] the log tells which worker was killed while it read how much", "[isolated][heavy]") {
  std::mutex mutex;
  std::vector<LogEntry> log;  // guarded by mutex
  EngineOptions options = Stage::options({THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module("isolated")}, {});
  options.log = [&](const LogEntry& entry) {
    const std::lock_guard lock{mutex};
    log.push_back(entry);
  };
  Engine engine{options};
  register_isolated_bodies(engine).value();
  const auto pid = engine.execute("who").value();
  engine.execute("refill").value();
  CHECK_FALSE(engine.execute("refill", Value{{"die", "writing"}}));
  const std::lock_guard lock{mutex};
  const auto lost = std::ranges::find_if(
      log, [](const LogEntry& entry) { return entry.fields.is_map() && entry.fields.find("event") != nullptr; });
  REQUIRE(lost != log.end());
  CHECK(lost->fields["event"] == Value{"lease_lost"});
  CHECK(lost->fields["pid"] == pid.value);
  CHECK(lost->fields["leases"] == Value{1});
  CHECK(lost->fields["bytes"] == Value{400'000});
  CHECK(lost->fields["age_us"].as_int() > 0);
}

TEST_CASE("of an execution that is refused no buffer stays", "[isolated][heavy]") {
  Stage stage;
  const Version before = stage.engine.version();
  CHECK(stage.refusal("build_and_fail", Value{{"how", "error"}}) == Errc::bad_input);
  CHECK(stage.refusal("build_and_fail", Value{{"how", "contract"}}) == Errc::contract_violation);
  CHECK(stage.refusal("build_slowly") == Errc::deadline);
  CHECK(stage.engine.version() == before);
  CHECK(stage.has_no_buffer());
}

TEST_CASE("what isolated bodies build is held to the quota, in the worker and in the engine", "[isolated][heavy]") {
  Stage stage{HeavyOptions{.bytes_max = std::uint64_t{8} << 20}};
  const auto refused = stage.build(1, 3'000'000);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
  CHECK(*refused.error().field("needed") == Value{12'000'000});
  REQUIRE(stage.build(1, 1'500'000));
  const Version before = stage.engine.version();
  const auto too_much = stage.build(1, 1'500'000);
  REQUIRE_FALSE(too_much);
  CHECK(too_much.error().code() == Errc::no_space);
  CHECK(stage.engine.version() == before);
  CHECK(stage.heavy().buffers == 1);
  stage.forget();
  CHECK(stage.has_no_buffer());
  CHECK(stage.build(1, 1'500'000));
  CHECK(stage.refusal("build", Value{{"rows", 128}, {"numbers", 1}}) == Errc::too_large);
  // It is no fault of the worker's.
  CHECK(stage.engine.execute("who"));
}

TEST_CASE("what isolated bodies cannot do with buffers is refused with its reason", "[isolated][heavy]") {
  Stage stage;
  REQUIRE(stage.build(1, 1'000));
  CHECK(stage.refusal("in_place") == Errc::unsupported);
  CHECK(stage.refusal("overwrite") == Errc::unsupported);
  CHECK(stage.refusal("keep_view") == Errc::unsupported);
  REQUIRE(stage.engine.execute("old_handle"));
  CHECK(stage.refusal("old_handle") == Errc::expired_handle);
}

TEST_CASE("a buffer in place is not shown to isolated bodies", "[isolated][heavy]") {
  Stage stage;
  const auto buffer = stage.engine.heavy().alloc<float>({10}).value();
  const Value rows = Value::list({buffer.publish_in_place().value()});
  stage.engine.compare_and_swap(stage.engine.version(), {{"heavy.rows", rows}}).value();
  CHECK(stage.refusal("sum") == Errc::unsupported);
}

TEST_CASE("an isolated body that writes into a buffer that it may read is stopped by the kernel", "[isolated][heavy]") {
  Stage stage;
  REQUIRE(stage.build(1, 1'000));
  CHECK(stage.refusal("scribble") == Errc::worker_died);
  const auto copy = stage.engine.heavy().copy<float>(std::vector<float>(10, 5.0F)).value();
  stage.engine.compare_and_swap(stage.engine.version(), {{"heavy.rows", Value::list({copy})}}).value();
  CHECK(stage.refusal("scribble") == Errc::worker_died);
  CHECK(stage.row(0)[0] == 5);
}

TEST_CASE("[F03] a worker that lies about its buffers is killed, and none of them is kept", "[isolated][heavy]") {
  const std::string how = GENERATE("unsealed_row", "row_that_shrinks", "short_row", "row_in_a_pipe", "row_with_holes",
                                   "shape_too_large", "shape_that_lies", "type_that_is_none", "row_of_another_zone",
                                   "row_with_a_log", "row_without_file", "file_without_row");
  INFO(how);
  const auto descriptors = open_descriptors();
  {
    Stage stage{std::vector<std::string>{THEUS_BINARY_DIR "/bin/test_hostile_worker", how}};
    CHECK(stage.refusal("build") == Errc::worker_died);
    CHECK(stage.engine.version() == 0);
    CHECK(stage.has_no_buffer());
    CHECK(stage.heavy().bytes_reserved == 0);
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("the liar of these tests is believed when it sends an honest buffer", "[isolated][heavy]") {
  Stage stage{std::vector<std::string>{THEUS_BINARY_DIR "/bin/test_hostile_worker", "honest_row"}};
  REQUIRE(stage.engine.execute("build"));
  CHECK(stage.engine.heavy().view<std::uint8_t>(stage.engine.state().get<Value>("heavy.rows").value()));
}

TEST_CASE("[F03] workers killed at random moments leave no heavy buffer, descriptor or wrong number",
          "[isolated][heavy]") {
  const auto result =
      WorkerCampaign{{THEUS_BINARY_DIR "/bin/theus", "worker", "--module", module("isolated")}, 5, "refill"}.run(40);
  INFO(result.text());
  CHECK(result.kills == 40);
  CHECK(result.lost + result.twice + result.other == 0);
  CHECK(result.descriptors_left == 0);
  CHECK(result.files_left == 0);
  CHECK(result.children_left == 0);
  CHECK(result.buffers_left == 0);
  CHECK(result.bytes_left == 0);
}

}  // namespace theus::testing
