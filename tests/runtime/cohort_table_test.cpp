#include "runtime/cohort_table.hpp"
#include "runtime/execution.hpp"
#include "tests/support/execution_stage.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ExecutionStage;

Result<std::unique_ptr<CohortTable>> make(Cohort cohort, std::uint64_t seed = 1) {
  return CohortTable::make(std::move(cohort), seed, AccessTable::standard());
}

/// Runs one step of the cohort as a body and accepts it.
Status step(CohortTable& table) {
  ExecutionStage stage;
  const auto result = stage.run({.name = table.name(), .body = [&](Context& context) { table.step(context); }});
  if (!result)
    return result.error();
  table.accept();
  return {};
}

Cohort ring(Activation activation, std::function<void(CohortStep&)> act) {
  return {.name = "ring",
          .agents = 5,
          .columns = {{"x", [](std::size_t agent) { return static_cast<double>(agent); }}, {"seen"}},
          .reads = {"x"},
          .writes = {"x", "seen"},
          .activation = activation,
          .priority = activation == Activation::by_priority ? "x" : "",
          .step = std::move(act)};
}

// Everybody takes over what the one before has.
void take_over(CohortStep& step) {
  const auto x = step.read("x");
  const auto next = step.write("x");
  step.each([&](std::size_t i) { next[i] = x[(i + step.agents() - 1) % step.agents()]; });
}

TEST_CASE("in a simultaneous step everybody reads the values from before it", "[cohort]") {
  const auto table = make(ring(Activation::simultaneous, take_over)).value();
  step(*table).value();
  CHECK(table->column("x").value() == std::vector<double>{4, 0, 1, 2, 3});
}

TEST_CASE("in a step by priority the greatest go first, and the others see what they wrote", "[cohort]") {
  const auto table = make(ring(Activation::by_priority, take_over)).value();
  step(*table).value();  // 4 takes 3, 3 takes 2, 2 takes 1, 1 takes 0, 0 takes what 4 has now
  CHECK(table->column("x").value() == std::vector<double>{3, 0, 1, 2, 3});
}

TEST_CASE("a random order has every agent once, changes with step and seed, and comes again", "[cohort]") {
  const auto orders = [](std::uint64_t seed) {
    std::vector<std::vector<double>> seen;
    const auto table = make(ring(Activation::random_sequential,
                                 [](CohortStep& step) {
                                   const auto mark = step.write("seen");
                                   double turn = 0;
                                   step.each([&](std::size_t i) { mark[i] = turn++; });
                                 }),
                            seed)
                           .value();
    for (int i = 0; i < 8; ++i) {
      step(*table).value();
      seen.push_back(table->column("seen").value());
      auto sorted = seen.back();
      std::ranges::sort(sorted);
      CHECK(sorted == std::vector<double>{0, 1, 2, 3, 4});
    }
    return seen;
  };
  const auto first = orders(1);
  CHECK(std::ranges::adjacent_find(first, std::ranges::not_equal_to{}) != first.end());
  CHECK(orders(1) == first);
  CHECK(orders(2) != first);
}

TEST_CASE("a step that throws changes nothing", "[cohort]") {
  bool fails = true;
  const auto table = make(ring(Activation::random_sequential, [&](CohortStep& step) {
                       take_over(step);
                       if (fails)
                         throw std::runtime_error("no");
                     })).value();
  const auto before = table->column("x").value();
  CHECK(step(*table).error().code() == Errc::process_failed);
  CHECK(table->column("x").value() == before);
  fails = false;
  step(*table).value();
  CHECK(table->column("x").value() != before);
}

TEST_CASE("a step reads and writes its declared columns only", "[cohort]") {
  Cohort cohort = ring(Activation::simultaneous, [](CohortStep& step) { (void)step.read("y"); });
  cohort.columns.push_back({"y"});
  CHECK(step(*make(cohort).value()).error().code() == Errc::contract_violation);
  cohort.reads = {"y"};
  CHECK(step(*make(cohort).value()).ok());
  cohort.step = [](CohortStep& step) { (void)step.write("y"); };
  const Status refused = step(*make(cohort).value());
  CHECK(refused.error().code() == Errc::contract_violation);
  CHECK(*refused.error().field("rule") == "illegal_write");
}

TEST_CASE("agents draw their own numbers, the same whatever others draw", "[cohort]") {
  const auto drawn = [](std::uint64_t seed, bool others_draw) {
    const auto table = make(ring(Activation::simultaneous,
                                 [=](CohortStep& step) {
                                   const auto x = step.write("x");
                                   step.each([&](std::size_t i) {
                                     RandomStream random = step.random(i);
                                     for (std::size_t n = 0; others_draw && n < i; ++n)
                                       (void)step.random(n).uniform();
                                     x[i] = random.uniform();
                                   });
                                 }),
                            seed)
                           .value();
    step(*table).value();
    auto first = table->column("x").value();
    step(*table).value();
    CHECK(table->column("x").value() != first);
    return first;
  };
  const auto numbers = drawn(1, false);
  CHECK(drawn(1, true) == numbers);
  CHECK(drawn(2, false) != numbers);
  auto sorted = numbers;
  std::ranges::sort(sorted);
  CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
}

TEST_CASE("a cohort that cannot work is refused", "[cohort]") {
  const auto refused = [](auto change) {
    Cohort cohort = ring(Activation::simultaneous, take_over);
    change(cohort);
    const auto made = make(std::move(cohort));
    return !made && made.error().code() == Errc::bad_argument;
  };
  CHECK(refused([](Cohort& cohort) { cohort.agents = 0; }));
  CHECK(refused([](Cohort& cohort) { cohort.agents = Cohort::agents_max + 1; }));
  CHECK(refused([](Cohort& cohort) { cohort.step = nullptr; }));
  CHECK(refused([](Cohort& cohort) { cohort.columns.push_back({"x"}); }));
  CHECK(refused([](Cohort& cohort) { cohort.reads = {"z"}; }));
  CHECK(refused([](Cohort& cohort) { cohort.priority = "x"; }));
  CHECK(refused([](Cohort& cohort) { cohort.activation = Activation::by_priority; }));
}

}  // namespace
}  // namespace theus
