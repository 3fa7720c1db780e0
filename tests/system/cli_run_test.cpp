#include "tests/system/command_line.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace theus::testing {
namespace {

std::vector<std::string> run_of(const std::string& flow, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"run", flow, "--module", module("shop")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("run executes the steps and prints what is asked for", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell, {process: sell, args: {customer: Ada}}]\n");
  const Finished ran = theus(run_of(flow, {"--get", "domain.sold"}));
  CHECK(ran.exit == 0);
  CHECK(ran.out == "2\n");
  CHECK(has(ran.err, "info sell: sold {\"to\":\"Ada\"}"));
  CHECK(has(ran.err, "complete: 2 steps, version 2"));
  CHECK(has(ran.err, "step 1 of 2: sell"));

  const Finished quiet = theus(run_of(flow, {"--quiet"}));
  CHECK(quiet.exit == 0);
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
}

TEST_CASE("run --json prints one document of all steps", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell, sell]\n");
  const Finished ran = theus(run_of(flow, {"--json", "--get", "domain.sold", "--quiet"}));
  CHECK(ran.exit == 0);
  CHECK(ran.err.empty());
  const auto report = document(ran.out);
  CHECK(report["version"] == 2);
  CHECK(report["steps_run"] == 2);
  REQUIRE(report["steps"].size() == 2);
  CHECK(report["steps"][1] == nlohmann::json{{"step", "sell"}, {"value", 2}, {"version", 2}, {"attempts", 1}});
  CHECK(report["values"] == nlohmann::json{{"domain.sold", 2}});
}

TEST_CASE("the options --set and --input decide what a run starts from", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml",
                                       "inputs:\n"
                                       "  orders: {from: orders.json, into: domain.orders, format: json}\n"
                                       "steps: [sell]\n");
  folder.file("orders.json", "[1]");
  const std::string other = folder.file("other.json", "[1, 2, 3]");
  const auto ran = theus(
      run_of(flow, {"--set", "domain.sold=41", "--set", "domain['a=b']={\"c\": [true]}", "--input", "orders=" + other,
                    "--get", "domain.sold", "--get", "domain['a=b'].c[0]", "--get", "domain.orders"}));
  CHECK(ran.exit == 0);
  CHECK(ran.out == "42\ntrue\n[1,2,3]\n");

  const auto unknown = theus(run_of(flow, {"--input", "ordres=" + other}));
  CHECK(unknown.exit == 3);
  CHECK(has(unknown.err, "ordres"));
  const auto missing = theus(run_of(flow, {"--input", "orders=/nowhere/orders.json"}));
  CHECK(missing.exit == 3);
  CHECK(has(missing.err, "/nowhere/orders.json"));
}

TEST_CASE("a failed run names its reason and ends with the code of its error", "[cli]") {
  const Folder folder;
  struct Case {
    std::string steps;
    std::vector<std::string> more;
    int exit;
    std::string code;
    std::string text;
  };
  const Case cases[] = {
      {"[sell, fail]", {}, 1, "process_failed", "out of stock"},
      {"[sel]", {}, 3, "bad_workflow", "sell"},
      {"[{process: sell, args: {custmer: Ada}}]", {}, 3, "bad_workflow", "custmer"},
      {"[{flux: while, condition: true, do: [sell]}]", {}, 1, "safety_trip", ""},
      {"[hang]", {"--timeout", "50ms"}, 6, "deadline", ""},
      {"[sell]", {"--get", "domain.sodl"}, 1, "bad_argument", "domain.sodl"},
      {"[sell]", {"--set", "internal_x=1"}, 1, "contract_violation", "internal_x"},
  };
  for (const Case& failing : cases) {
    const std::string flow = folder.file("flow.yaml", "steps: " + failing.steps + "\n");
    auto more = failing.more;
    more.emplace_back("--json");
    const Finished answer = theus(run_of(flow, more));
    INFO(failing.steps << " gave " << answer.exit << answer.out << answer.err);
    CHECK(answer.exit == failing.exit);
    CHECK(document(answer.out)["error"]["code"] == failing.code);
    CHECK(has(answer.out, failing.text));

    const Finished words = theus(run_of(flow, failing.more));
    CHECK(words.exit == failing.exit);
    CHECK(words.out.empty());
    CHECK(has(words.err, "error: " + failing.code));
  }
}

TEST_CASE("on a terminal the status is one line that is taken away at the end", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell]\n");
  const Finished ran = theus(run_of(flow), {.environment = {"TERM=xterm"}, .terminal = true});
  CHECK(ran.exit == 0);
  CHECK(has(ran.err, "\r\x1b[Kstep 1 of 1: sell"));
  CHECK_FALSE(has(ran.err, "step 1 of 1: sell\r\n"));
  CHECK(ran.err.ends_with("\r\x1b[K"));
  CHECK_FALSE(has(theus(run_of(flow), {.environment = {"TERM=dumb"}, .terminal = true}).err, "\x1b"));
}

TEST_CASE("a signal ends a run in an orderly way, with 130 [F09]", "[cli][F09]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell, hang]\n");
  for (const int number : {SIGINT, SIGTERM}) {
    auto arguments = run_of(flow, {"--json"});
    arguments.insert(arguments.begin(), THEUS_BINARY_DIR "/bin/theus");
    Subprocess running{arguments};
    running.wait_for_err("warning hang: hanging");
    running.signal(number);
    const Finished ended = running.finish();
    CHECK(ended.exit == 130);
    CHECK(has(ended.err, "interrupted"));
    CHECK(document(ended.out).contains("error"));
  }
}

TEST_CASE("a second signal ends a run that does not end by itself [F09]", "[cli][F09]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [ignore]\n");
  auto arguments = run_of(flow);
  arguments.insert(arguments.begin(), THEUS_BINARY_DIR "/bin/theus");
  Subprocess running{arguments};
  running.wait_for_err("warning ignore: ignoring");
  running.signal(SIGINT);
  running.wait_for_err("interrupted");
  running.signal(SIGINT);
  CHECK(running.finish().exit == 130);
}

}  // namespace theus::testing
