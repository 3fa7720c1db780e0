#include "benchmarks/harness.hpp"

#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using theus::bench::Case;
using theus::bench::Measure;
using theus::bench::Program;

namespace {

struct Outcome {
  int code;
  std::vector<nlohmann::ordered_json> lines;
  std::string words;
};

Outcome run(Program& program, const std::vector<std::string_view>& options) {
  std::ostringstream results, words;
  const int code = program.run(options, results, words);
  Outcome outcome{code, {}, words.str()};
  std::istringstream in{results.str()};
  for (std::string line; std::getline(in, line);)
    outcome.lines.push_back(nlohmann::ordered_json::parse(line));
  return outcome;
}

// Measures the given figures one after the other, and writes its name into `order` each time.
Measure figures(std::vector<double> each, std::string name, std::string* order) {
  return [each = std::move(each), name = std::move(name), order, at = std::size_t{0}]() mutable {
    *order += name;
    return each[at++];
  };
}

}  // namespace

TEST_CASE("ours and the peers alternate, and the ratio is the median of the rounds", "[harness]") {
  std::string order;
  Program program{"sample", true};
  program.add("two peers", "events/s", [&](Case& subject) {
    subject.rounds(3);
    subject.ours(figures({10, 20, 30}, "o", &order));
    subject.peer("slow", figures({10, 5, 10}, "a", &order));
    subject.optional_peer("far", figures({1, 1, 1}, "b", &order));
  });

  const Outcome outcome = run(program, {"--json", "--peers"});

  CHECK(outcome.code == 0);
  CHECK(outcome.words.empty());
  CHECK(order == "oaboaboab");
  REQUIRE(outcome.lines.size() == 2);
  std::vector<std::string> keys;
  for (const auto& [key, value] : outcome.lines[0].items())
    keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"bench", "case", "unit", "ours", "peer", "peer_name", "ratio", "rounds", "min",
                                         "max", "near"});
  CHECK(outcome.lines[0]["ours"] == 20.0);
  CHECK(outcome.lines[0]["peer"] == 10.0);
  CHECK(outcome.lines[0]["peer_name"] == "slow");
  CHECK(outcome.lines[0]["ratio"] == 3.0);
  CHECK(outcome.lines[0]["min"] == 1.0);
  CHECK(outcome.lines[0]["max"] == 4.0);
  CHECK(outcome.lines[0]["rounds"] == 3);
  CHECK(outcome.lines[1]["peer_name"] == "far");
  CHECK(outcome.lines[1]["ratio"] == 20.0);
}

TEST_CASE("optional peers wait for --peers, and a case without a peer has no ratio", "[harness]") {
  std::string order;
  Program program{"sample"};
  program.add("alone", "ns", [&](Case& subject) {
    subject.ours(figures({4, 8}, "o", &order));
    subject.optional_peer("far", figures({1, 1}, "b", &order));
  });
  program.add("other", "ns", [](Case&) { FAIL("a case that nobody asked for was prepared"); });

  const Outcome outcome = run(program, {"--rounds", "2", "--case", "alone"});

  CHECK(order == "oo");
  REQUIRE(outcome.lines.size() == 1);
  CHECK(outcome.lines[0]["ours"] == 6.0);
  CHECK(outcome.lines[0]["ratio"].is_null());
  CHECK(outcome.words.find("less is better") != std::string::npos);
}

TEST_CASE("a benchmark refuses what it does not know and figures that cannot be", "[harness]") {
  Program program{"sample", false};
  program.add("broken", "ns", [](Case& subject) { subject.ours([] { return 0.0; }); });

  CHECK(run(program, {"--case", "brokn"}).code == 2);
  CHECK(run(program, {"--round", "2"}).code == 2);
  CHECK(run(program, {"--peers"}).code == 2);
  const Outcome outcome = run(program, {});
  CHECK(outcome.code == 1);
  CHECK(outcome.lines.empty());
  CHECK(outcome.words == "sample, broken: ours measured 0\n");
}
