#include <theus/engine.hpp>
#include <theus/errors.hpp>
#include <theus/json.hpp>

#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>

namespace theus {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

HeavyBuffer<float> ramp(HeavyZone& heavy, std::uint64_t count) {
  auto buffer = heavy.alloc<float>({count}).value();
  std::iota(buffer.span().begin(), buffer.span().end(), 0.0F);
  return buffer;
}

Value at(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

std::string rule_of(const auto& result) {
  if (result)
    return {};
  const Value* rule = result.error().field("rule");
  return rule != nullptr ? std::string{rule->as_string()} : std::string{};
}

Process process(std::vector<std::string> outputs, Body body) {
  Process process{.name = "p", .outputs = std::move(outputs)};
  process.body = std::move(body);
  return process;
}

}  // namespace

TEST_CASE("a body builds a buffer in place and returns it; readers see it without a copy", "[heavy]") {
  Engine engine;
  const float* built_at = nullptr;
  engine
      .register_process(process({"domain.heavy_frame"},
                                [&](Context&) {
                                  auto frame = engine.heavy().alloc<float>({2, 3}).value();
                                  std::ranges::fill(frame.span(), 1.5F);
                                  built_at = frame.span().data();
                                  return frame;
                                }))
      .value();
  engine.execute("p").value();
  const auto view = engine.heavy().view<float>(at(engine, "domain.heavy_frame")).value();
  CHECK(view.shape() == HeavyShape{2, 3});
  CHECK(view.size() == 6);
  CHECK(view[5] == 1.5F);
  CHECK(view.span().data() == built_at);
  CHECK(engine.heavy().statistics().bytes_copied == 0);
}

TEST_CASE("numbers and bytes for a heavy output are copied once, and that is reported", "[heavy]") {
  std::vector<std::string> told;
  std::mutex mutex;
  EngineOptions options;
  options.log = [&](const LogEntry& entry) {
    const std::lock_guard lock{mutex};
    told.push_back(entry.text);
  };
  Engine engine{options};
  engine.register_process(process({"domain.heavy_reals"},
                                  [](Context&) {
                                    return std::vector<double>{1.5, 2.5};
                                  }))
      .value();
  engine.execute("p").value();
  CHECK(engine.heavy().view<double>(at(engine, "domain.heavy_reals")).value()[1] == 2.5);
  CHECK(engine.heavy().statistics().bytes_copied == 16);
  CHECK(std::ranges::any_of(told, [](const std::string& text) { return text.find("copied") != std::string::npos; }));

  const std::vector<std::int64_t> integers{7, 8, 9};
  engine.compare_and_swap(engine.version(), {Write::set("domain.heavy_integers", to_value(integers))}).value();
  CHECK(engine.heavy().view<std::int64_t>(at(engine, "domain.heavy_integers")).value()[2] == 9);
  const float floats[] = {0.5F};
  const Value handle = engine.heavy().copy(std::span<const float>{floats}).value();
  CHECK(engine.heavy().view<float>(handle).value()[0] == 0.5F);
}

TEST_CASE("any other value at a heavy path is a violation, by whichever door it comes", "[heavy]") {
  Engine engine;
  Value wanted;
  engine.register_process(process({"domain.heavy_x"}, [&](Context&) { return Output{wanted}; })).value();
  const Value mixed = Value::list({1, 2.0});
  const Value nested{{"a", Value{{"b", 1}}}};
  for (const Value& value : {Value{5}, Value{"text"}, Value{true}, mixed, nested}) {
    INFO(to_json(value));
    wanted = value;
    CHECK(rule_of(engine.execute("p")) == "heavy_only");
    CHECK(rule_of(engine.compare_and_swap(engine.version(), {Write::set("domain.heavy_x", value)})) == "heavy_only");
    CHECK(rule_of(engine.transaction([&](Transaction& t) { return t.write(Write::set("domain.heavy_x", value)); })) ==
          "heavy_only");
  }
  CHECK(engine.version() == 0);
  CHECK(engine.compare_and_swap(0, {Write::set("domain.heavy_x", Value{})}));
}

TEST_CASE("a map that is set is held to the heavy zone where it leads there, by whichever door it comes", "[heavy]") {
  Engine engine;
  Value wanted;
  engine.register_process(process({"domain.part"}, [&](Context&) { return Output{wanted}; })).value();
  const auto by_all_doors = [&](const Value& value, const auto& look) {
    wanted = value;
    look(engine.execute("p"));
    look(engine.compare_and_swap(engine.version(), {Write::set("domain.part", value)}));
    look(engine.transaction([&](Transaction& t) { return t.set("domain.part", value); }));
    const Value below{{"part", value}};
    look(engine.compare_and_swap(engine.version(), {Write::set("domain", below)}));
    const std::string flow = "steps: [{flux: set, values: {domain.part: " + to_json(value) + "}}]";
    look(engine.execute_workflow(Workflow::parse(flow, "flow.yaml").value()));
  };
  for (const Value& wrong : {Value{{"heavy_x", 5}}, Value{{"a", Value{{"b", Value{{"heavy_x", "text"}}}}}}}) {
    INFO(to_json(wrong));
    by_all_doors(wrong, [](const auto& result) {
      CHECK(rule_of(result) == "heavy_only");
      if (!result)
        CHECK(result.error().text().find("heavy_x") != std::string::npos);
    });
  }
  CHECK(engine.version() == 0);
  const auto held = [&] {
    const Value handle = at(engine, "domain.part.a.heavy_x");
    return handle.is_heavy() && handle.keeps_heavy() && engine.heavy().view<double>(handle).value()[1] == 2.5;
  };
  by_all_doors(Value{{"a", Value{{"heavy_x", Value::list({1.5, 2.5})}}}, {"b", 1}}, [&](const auto& result) {
    CHECK(result);
    CHECK(held());
  });

  const Value handle = ramp(engine.heavy(), 4).publish().value();
  const Value bare = parse_json(to_json(Value{{"heavy_y", handle}})).value();
  engine.compare_and_swap(engine.version(), {Write::set("domain.part", bare)}).value();
  CHECK(at(engine, "domain.part.heavy_y").keeps_heavy());
}

TEST_CASE("an engine does not begin with a state that the heavy zone refuses", "[heavy]") {
  EngineOptions options;
  options.initial = {Write::set("domain", Value{{"heavy_x", 5}})};
  CHECK_THROWS_AS(Engine{options}, ContractViolationError);
  options.initial = {Write::set("domain", Value{{"heavy_x", Value::list({1, 2})}})};
  Engine engine{options};
  CHECK(engine.heavy().view<std::int64_t>(at(engine, "domain.heavy_x")).value()[1] == 2);
}

TEST_CASE("a buffer lives as long as a version that names it can be read, and is used again after", "[heavy]") {
  Engine engine;
  engine.compare_and_swap(0, {Write::set("heavy.a", ramp(engine.heavy(), 1000).publish().value())}).value();
  const Value bare = parse_json(to_json(at(engine, "heavy.a"))).value();
  CHECK_FALSE(bare.keeps_heavy());
  {
    const Snapshot old = engine.state();
    engine.compare_and_swap(engine.version(), {Write::set("heavy.a", ramp(engine.heavy(), 10).publish().value())})
        .value();
    CHECK(engine.heavy().view<float>(bare).value()[999] == 999.0F);
    CHECK(engine.heavy().statistics().buffers == 2);
  }
  (void)engine.state_statistics();  // looks which old versions are held
  CHECK(engine.heavy().view<float>(bare).error().code() == Errc::expired_handle);
  CHECK(engine.heavy().statistics().buffers == 1);
}

TEST_CASE("a handle that came as text is kept once it is committed, and refused when it is stale", "[heavy]") {
  Engine engine;
  auto value = std::optional{ramp(engine.heavy(), 10).publish().value()};
  const Value bare = parse_json(to_json(*value)).value();
  engine.compare_and_swap(0, {Write::set("heavy.a", bare)}).value();
  value.reset();
  CHECK(engine.heavy().view<float>(at(engine, "heavy.a")).value()[9] == 9.0F);
  engine.compare_and_swap(engine.version(), {Write::set("heavy.a", Value{})}).value();
  (void)engine.state_statistics();
  CHECK(engine.compare_and_swap(engine.version(), {Write::set("heavy.b", bare)}).error().code() ==
        Errc::expired_handle);
  CHECK(engine.compare_and_swap(engine.version(), {Write::set("heavy.b", Value::heavy(HeavyRef{{1, 2}}))})
            .error()
            .code() == Errc::bad_handle);
}

TEST_CASE("a failed body leaves neither its handle nor its buffer", "[heavy]") {
  Engine engine;
  engine
      .register_process(process({"heavy.a"},
                                [&](Context& ctx) -> Status {
                                  ctx.set("heavy.a", ramp(engine.heavy(), 1000).publish().value());
                                  return Error{Errc::bad_argument, "here", "on purpose"};
                                }))
      .value();
  CHECK_FALSE(engine.execute("p"));
  CHECK(at(engine, "heavy.a").is_null());
  CHECK(engine.heavy().statistics().buffers == 0);
}

TEST_CASE("a matrix can be a list of row blocks", "[heavy]") {
  Engine engine;
  Value rows = Value::list();
  for (int i = 0; i < 3; ++i)
    rows.push_back(ramp(engine.heavy(), 4).publish().value());
  engine.compare_and_swap(0, {Write::set("heavy.matrix", rows)}).value();
  const Value read = at(engine, "heavy.matrix");
  CHECK(engine.heavy().view<float>(read[2]).value()[3] == 3.0F);
}

TEST_CASE("over the quota a body fails with no_space, and what it names fits again when room is made [F40]",
          "[heavy]") {
  EngineOptions options;
  options.heavy.bytes_max = 4 * mebibyte;
  Engine engine{options};
  auto first = std::optional{engine.heavy().alloc<std::uint8_t>({4 * mebibyte}).value()};
  const auto refused = engine.heavy().alloc<std::uint8_t>({1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
  CHECK(refused.error().field("needed") != nullptr);
  CHECK(refused.error().field("free")->as_int() == 0);
  first.reset();
  CHECK(engine.heavy().alloc<std::uint8_t>({4 * mebibyte}));
}

TEST_CASE("shapes without elements and types that do not match are refused", "[heavy]") {
  Engine engine;
  HeavyZone& heavy = engine.heavy();
  CHECK(heavy.alloc<int>({}).error().code() == Errc::bad_argument);
  CHECK(heavy.alloc<int>({3, 0}).error().code() == Errc::bad_argument);
  CHECK(heavy.alloc<int>({~std::uint64_t{0}, 2}).error().code() == Errc::bad_argument);
  CHECK(heavy.alloc<int>({1, 1, 1, 1, 1}).error().code() == Errc::bad_argument);
  CHECK(heavy.alloc<int>({1}, "../etc").error().code() == Errc::bad_argument);
  const Value handle = ramp(heavy, 4).publish().value();
  CHECK(heavy.view<double>(handle).error().code() == Errc::bad_argument);
  CHECK(heavy.view<float>(Value{1}).error().code() == Errc::bad_argument);
}

TEST_CASE("a published buffer can be written no more, and publishing it again gives the same handle", "[heavy]") {
  Engine engine;
  const auto buffer = ramp(engine.heavy(), 4);
  const Value handle = buffer.publish().value();
  CHECK(buffer.span().empty());
  CHECK(buffer.publish().value() == handle);
  CHECK(engine.heavy().write_in_place<float>(handle).error().code() == Errc::unsupported);
}

TEST_CASE("buffers of one name in two engines never meet, and outlive their engine", "[heavy]") {
  std::optional<HeavyView<float>> view;
  Value handle;
  {
    Engine one;
    Engine two;
    handle = ramp(one.heavy(), 4).publish().value();
    const Value other = ramp(two.heavy(), 4).publish().value();
    CHECK(two.heavy().view<float>(handle).error().code() == Errc::heavy_lost);
    CHECK(two.compare_and_swap(0, {Write::set("heavy.a", handle)}).error().code() == Errc::heavy_lost);
    view = one.heavy().view<float>(handle).value();
  }
  CHECK((*view)[3] == 3.0F);
  CHECK(Engine{}.heavy().view<float>(handle).error().code() == Errc::heavy_lost);
}

TEST_CASE("writing in place is seen by readers as a new epoch, and dirty when the writer fails [F50]", "[heavy]") {
  Engine engine;
  HeavyZone& heavy = engine.heavy();
  const Value handle = ramp(heavy, 4).publish_in_place().value();
  engine.compare_and_swap(0, {Write::set("heavy.map", handle)}).value();
  const auto view = heavy.view<float>(handle).value();
  const std::uint64_t before = view.epoch();
  {
    auto writer = heavy.write_in_place<float>(handle).value();
    CHECK(view.epoch() % 2 == 1);
    CHECK(heavy.write_in_place<float>(handle).error().code() == Errc::overloaded);
    writer.span()[0] = 42.0F;
    writer.finish();
  }
  CHECK(view[0] == 42.0F);
  CHECK(view.epoch() == before + 2);

  engine
      .register_process(process({"heavy.map"},
                                [&](Context&) -> Status {
                                  auto writer = heavy.write_in_place<float>(handle).value();
                                  writer.span()[0] = 43.0F;
                                  return Error{Errc::bad_argument, "here", "on purpose"};
                                }))
      .value();
  CHECK_FALSE(engine.execute("p"));
  CHECK(heavy.view<float>(handle).error().code() == Errc::heavy_dirty);
  heavy.write_in_place<float>(handle).value().finish();
  CHECK(heavy.view<float>(handle));
}

TEST_CASE("replacing data leaves a heavy handle in the state identical", "[heavy]") {
  Engine engine;
  const Value handle = ramp(engine.heavy(), 4).publish().value();
  engine.compare_and_swap(0, {Write::set("domain.heavy_frame", handle), Write::set("domain.x", 1)}).value();
  engine.compare_and_swap(engine.version(), {Write::set("domain.x", 2)}).value();
  CHECK(at(engine, "domain.heavy_frame") == handle);
}

TEST_CASE("a message that carries ten megabytes by handle takes less than a kilobyte", "[heavy]") {
  Engine engine;
  const Value handle = engine.heavy().alloc<std::uint8_t>({10 * mebibyte}).value().publish().value();
  CHECK(to_json(handle).size() < 1024);
}

}  // namespace theus
