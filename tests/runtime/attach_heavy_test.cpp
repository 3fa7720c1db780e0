#include "runtime/attach/heavy_wire.hpp"
#include "tests/runtime/attach_session_stage.hpp"

#include <array>

#include <unistd.h>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using Stage = testing::AttachSessionStage;

}  // namespace

TEST_CASE("a session passes descriptors on to who joins the heavy zone, and to nobody else", "[attach][session]") {
  Stage stage;
  stage.join();
  CHECK(stage.error("segment", {{"segment", 1}}).code() == Errc::bad_argument);
  CHECK(stage.error("join").code() == Errc::join_refused);

  struct FakeGuest final : HeavyGuest {
    Result<std::vector<Descriptor>> files() override {
      std::vector<Descriptor> both;
      both.emplace_back(::dup(0));
      both.emplace_back(::dup(0));
      return both;
    }
    Result<Descriptor> segment(std::uint32_t id) override {
      return id == 1 ? Result<Descriptor>{Descriptor{::dup(0)}} : Error{Errc::bad_handle, "heavy zone", "none"};
    }
  };
  Stage other{[]() -> Result<std::unique_ptr<HeavyGuest>> {
    return std::unique_ptr<HeavyGuest>{std::make_unique<FakeGuest>()};
  }};
  other.join();
  const auto descriptors_with = [&](std::string_view name, Value request) {
    request.set("id", 1);
    request.set("do", name);
    other.send(request);
    const std::size_t count = other.sut.descriptors().size();
    other.id = 0;
    (void)other.heard();
    return count;
  };
  CHECK(descriptors_with("segment", {{"segment", 1}}) == 0);
  CHECK(descriptors_with("join", Value::map()) == 2);
  CHECK(descriptors_with("join", Value::map()) == 0);
  CHECK(descriptors_with("segment", {{"segment", 1}}) == 1);
  for (const Value& wrong : {Value{}, Value{-1}, Value{"1"}, Value{std::int64_t{1} << 40}, Value{2}})
    CHECK(descriptors_with("segment", {{"segment", wrong}}) == 0);
  CHECK(descriptors_with("segment", {{"segment", 1}, {"more", 1}}) == 0);
  CHECK(descriptors_with("info", Value::map()) == 0);
}

TEST_CASE("a report of a heavy zone survives its way, and anything else is refused", "[attach][session]") {
  Stage stage;
  stage.join();
  CHECK(heavy_report_from_wire(stage.ok("heavy", {{"age_ms", 5}, {"buffers_max", 10}, {"places", true}})).ok());
  for (const Value& wrong : {Value::map(), Value{{"age_ms", -1}, {"buffers_max", 1}, {"places", false}},
                             Value{{"age_ms", 1}, {"places", false}}, Value{{"age_ms", 1}, {"buffers_max", 1}},
                             Value{{"age_ms", std::int64_t{1} << 62}, {"buffers_max", 1}, {"places", false}}})
    CHECK(stage.error("heavy", wrong).code() == Errc::bad_argument);

  HeavyReport report;
  report.statistics.buffers = 2;
  report.statistics.huge_pages = true;
  report.holders.push_back({.pid = 4711, .leases = 3, .bytes = 96, .age = std::chrono::seconds{5}, .is_over = true});
  report.buffers.push_back({.block = 7,
                            .segment = 2,
                            .owner = "camera",
                            .type = HeavyType::f32,
                            .shape = {2, 3},
                            .bytes = 24,
                            .state = HeavyBufferInfo::State::lent_only,
                            .leases = 1,
                            .places = 9,
                            .paths = {"domain.heavy_frame"}});
  report.omitted = 1;
  report.has_places = true;
  const Value sent = to_wire(report);
  const HeavyReport got = heavy_report_from_wire(sent).value();
  CHECK(to_wire(got) == sent);
  CHECK(got.buffers[0].shape == HeavyShape{2, 3});
  CHECK(got.buffers[0].paths == std::vector<std::string>{"domain.heavy_frame"});
  CHECK(got.has_places);
  CHECK(got.holders[0].age == std::chrono::seconds{5});
  const auto refuses = [&](std::string_view list, std::string_view field, const Value& value) {
    Value entry = sent[list][0];
    entry.set(field, value);
    Value forged = sent;
    forged.set(list, Value::list({entry}));
    return !heavy_report_from_wire(forged);
  };
  CHECK(refuses("buffers", "type", 99));
  CHECK(refuses("buffers", "state", "melted"));
  CHECK(refuses("buffers", "shape", Value::list({1, 2, 3, 4, 5})));
  CHECK(refuses("buffers", "bytes", -1));
  CHECK(refuses("buffers", "places", -1));
  CHECK(refuses("buffers", "paths", Value::list({1})));
  CHECK(refuses("holders", "pid", "1"));
  CHECK_FALSE(heavy_report_from_wire(Value{5}));
}

}  // namespace theus
