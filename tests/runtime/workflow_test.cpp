#include <theus/workflow.hpp>

#include "tests/runtime/workflow_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include <sys/stat.h>

namespace theus {
namespace {

using testing::findings_of;
using testing::Folder;

class FixedCatalogue : public Catalogue {
public:
  std::vector<ProcessEntry> processes() const override {
    return {{"load_orders", std::nullopt},
            {"enrich", std::vector<std::string>{"limit", "offset"}},
            {"ship", std::vector<std::string>{}}};
  }
  std::optional<std::vector<std::string>> agents() const override {
    return std::vector<std::string>{"member_1", "mayor"};
  }
  std::vector<std::string> roots() const override { return {"progress"}; }
};

Error error_in(std::string_view text) {
  INFO(text);
  const auto workflow = Workflow::parse(text, "flow.yaml");
  REQUIRE_FALSE(workflow.ok());
  CHECK(workflow.error().code() == Errc::bad_workflow);
  return workflow.error();
}

bool mentions(const Error& error, std::string_view place, std::string_view words) {
  const auto lines = findings_of(error);
  for (const std::string& line : lines)
    UNSCOPED_INFO(line);
  return std::ranges::any_of(lines, [&](const std::string& line) {
    return line.starts_with(std::string{place} + ' ') && line.find(words) != std::string::npos;
  });
}

TEST_CASE("a workflow of every kind of step is read", "[workflow]") {
  const auto workflow = Workflow::parse(R"(
name: shop
description: all there is
limits: {max_ops: 500, max_depth: 8, deadline: 90s}
inputs:
  ties: {from: ties.csv, into: domain.ties}
  orders: {from: "-", into: domain.inbox, format: jsonl}
steps:
  - load_orders
  - process: enrich
    name: first pass
    args: {limit: "${domain.limit}", offset: 3}
    retry: {attempts: 3, backoff: 50ms}
    timeout: 2s
  - flux: if
    condition: domain['count'] > 10 and not has(domain.stop)
    then: [ship]
    else: []
  - flux: while
    condition: "${domain.progress < 100}"
    do:
      - ship
  - flux: run
    steps: [ship, enrich]
  - flux: set
    values: {domain.total: "${domain.a + 1}", local.label: "run ${domain.name}"}
  - flux: emit
    signal: finished
    payload: {count: "${local.label}"}
  - round: {agents: member_*, times: 3}
)",
                                        "flow.yaml");
  REQUIRE(workflow.ok());
  CHECK(workflow->name() == "shop");
  CHECK(workflow->limits().operations_max == 500);
  CHECK(workflow->limits().depth_max == 8);
  CHECK(workflow->limits().deadline == std::chrono::seconds{90});
  CHECK(workflow->processes() == std::vector<std::string>{"enrich", "load_orders", "ship"});
  REQUIRE(workflow->inputs().size() == 2);
  CHECK(workflow->inputs()[0].format == InputFormat::csv);
  CHECK(workflow->inputs()[1].from == "-");
  CHECK(workflow->check(FixedCatalogue{}).ok());
}

TEST_CASE("without limits a workflow still has bounds", "[workflow][F69]") {
  const auto workflow = Workflow::parse("steps: []", "a/flow.yaml").value();
  CHECK(workflow.name() == "flow");
  CHECK(workflow.limits().operations_max == 10'000);
  CHECK(workflow.limits().deadline == std::chrono::hours{1});
  CHECK(workflow.limits().depth_max == 64);
}

TEST_CASE("a condition may be a plain boolean", "[workflow]") {
  CHECK(Workflow::parse("steps:\n  - flux: if\n    condition: true\n    then: [a]\n", "f").ok());
  CHECK(mentions(error_in("steps:\n  - flux: if\n    condition: 1\n    then: [a]\n"), "3:16", "boolean"));
}

TEST_CASE("everything wrong with a workflow is reported at once", "[workflow][F65]") {
  const Error error = error_in(R"(naem: x
limits: {max_ops: 0, deadline: soon}
inputs:
  a: {from: a.csv, into: const_x}
  b: {from: b.bin, into: domain.b, fromat: csv}
steps:
  - process: enrich
    arg: {x: 1}
    retry: {attempts: 1000}
    timeout: 2 days
  - flux: if
    condition: domain.x = 3
    then: load
  - flux: wihle
    condition: true
    do: []
  - flux: while
    do: [a]
  - 
  - [a]
  - {proces: a}
  - {process: a, flux: run}
  - flux: set
    values: {signal.cmd_stop: true, domain.a: 1, domain.a.b: 2}
  - flux: emit
  - round: {agents: "", times: -1}
)");
  CHECK(mentions(error, "1:1", "unknown key 'naem'"));
  CHECK(mentions(error, "2:19", "max_ops"));
  CHECK(mentions(error, "2:32", "deadline"));
  CHECK(mentions(error, "4:26", "zone 'constant'"));
  CHECK(mentions(error, "5:36", "unknown key 'fromat'"));
  CHECK(mentions(error, "5:6", "'format' is missing"));
  CHECK(mentions(error, "8:5", "unknown key 'arg'"));
  CHECK(mentions(error, "9:23", "attempts"));
  CHECK(mentions(error, "10:14", "duration"));
  CHECK(mentions(error, "12:25", "not an operator"));
  CHECK(mentions(error, "13:11", "then is a list"));
  CHECK(mentions(error, "14:11", "unknown kind of step `flux: wihle`"));
  CHECK(mentions(error, "17:5", "'condition' is missing"));
  CHECK(mentions(error, "19:3", "not nothing"));
  CHECK(mentions(error, "20:5", "not a list"));
  CHECK(mentions(error, "21:5", "none of the keys"));
  CHECK(mentions(error, "22:18", "both 'process' and 'flux'"));
  CHECK(mentions(error, "24:14", "zone 'signal'"));
  CHECK(mentions(error, "24:50", "overlap"));
  CHECK(mentions(error, "25:5", "'signal' is missing"));
  CHECK(mentions(error, "26:21", "pattern of agents"));
  CHECK(mentions(error, "26:32", "times"));
  CHECK(findings_of(error).size() == 22);
  CHECK(error.field("count")->as_int() == 22);
  CHECK(
      error.text().starts_with("bad_workflow at flow.yaml:1:1: unknown key 'naem' in a workflow (the first of 22 "
                               "findings). Did you mean 'name'?"));
}

TEST_CASE("inputs that would overwrite one another are found, in called files too", "[workflow]") {
  CHECK(mentions(
      error_in("inputs:\n  a: {from: a.csv, into: domain.x}\n  b: {from: b.csv, into: domain.x.y}\nsteps: []\n"),
      "3:26", "overlapping"));
  CHECK(mentions(error_in("inputs:\n  a: {from: '-', into: domain.x, format: text}\n  b: {from: '-', into: domain.y, "
                          "format: text}\nsteps: []\n"),
                 "3:13", "standard input"));
  CHECK(mentions(error_in("inputs: {a: {from: a.csv, into: local.x}}\nsteps: []\n"), "1:33", "local"));
  const Folder folder;
  folder.write("part.yaml", "inputs: {a: {from: a.csv, into: domain.y}}\nsteps: []\n");
  const auto main =
      folder.write("main.yaml", "inputs: {a: {from: a.csv, into: domain.x}}\nsteps: [{call: part.yaml}]\n");
  CHECK(mentions(Workflow::load(main).error(), "1:10", "two inputs 'a'"));
}

TEST_CASE("steps are missing, or the file is no map", "[workflow][F65]") {
  CHECK(mentions(error_in(""), "1:1", "a workflow is a map"));
  CHECK(mentions(error_in("- a"), "1:1", "not a list"));
  CHECK(mentions(error_in("name: x"), "1:1", "'steps' is missing"));
  CHECK(mentions(error_in("steps: load"), "1:8", "steps is a list"));
}

TEST_CASE("a check against a catalogue finds all unknown names with the nearest", "[workflow][F65]") {
  const auto workflow = Workflow::parse(R"(
steps:
  - lod_orders
  - process: enrich
    args: {limt: 1}
  - process: ship
    args: {to: 2}
  - flux: while
    condition: domian.x > 3 and progress < 100 and sig_stop == true
    do: [ship]
  - flux: set
    values: {fresh.x: "${counter + 1}"}
  - flux: emit
    signal: s
    payload: "${fresh.x}"
  - round: {agents: mayr}
  - round: {agents: member_*}
  - round: {agents: citizen_*}
)",
                                        "flow.yaml")
                            .value();
  const Error error = workflow.check(FixedCatalogue{}).error();
  CHECK(mentions(error, "3:5", "unknown process 'lod_orders'"));
  CHECK(mentions(error, "5:12", "no argument 'limt'"));
  CHECK(mentions(error, "7:12", "no argument 'to'"));
  CHECK(mentions(error, "9:16", "unknown name 'domian'"));
  CHECK(mentions(error, "12:26", "unknown name 'counter'"));
  CHECK(mentions(error, "16:5", "no agent matches 'mayr'"));
  CHECK(mentions(error, "18:5", "no agent matches 'citizen_*'"));
  CHECK(findings_of(error).size() == 7);
  const Value& nearest = (*error.field("findings"))[0]["suggestion"];
  CHECK(nearest.as_string() == "Did you mean 'load_orders'?");
}

TEST_CASE("with a catalogue, faults of form and unknown names are reported together", "[workflow][F65]") {
  const FixedCatalogue catalogue;
  const auto workflow = Workflow::parse("stesp: 1\nsteps: [shipp]\n", "flow.yaml", &catalogue);
  CHECK(findings_of(workflow.error()).size() == 2);
}

TEST_CASE("a step that can never run is found", "[workflow]") {
  CHECK(mentions(error_in("steps:\n  - flux: while\n    condition: true\n    do: [a]\n  - b\n"), "5:5", "never run"));
  CHECK(mentions(
      error_in(
          "steps:\n  - flux: run\n    steps:\n      - flux: while\n        condition: 1 < 2\n        do: []\n  - b\n"),
      "7:5", "never run"));
  CHECK(mentions(error_in("steps:\n  - flux: if\n    condition: domain.x\n    then: [{flux: while, condition: true, "
                          "do: []}]\n    else: [{flux: while, condition: true, do: []}]\n  - b\n"),
                 "6:5", "never run"));
  CHECK(
      Workflow::parse(
          "steps:\n  - flux: if\n    condition: domain.x\n    then: [{flux: while, condition: true, do: []}]\n  - b\n",
          "f")
          .ok());
}

TEST_CASE("a local path that no step sets is found", "[workflow]") {
  CHECK(
      mentions(error_in("steps:\n  - flux: if\n    condition: local.x > 1\n    then: []\n"), "2:5", "no step sets it"));
}

TEST_CASE("nesting beyond the limit is found", "[workflow][F16]") {
  const std::string nested = "{flux: run, steps: [{flux: run, steps: [{flux: run, steps: [a]}]}]}";
  CHECK(Workflow::parse("limits: {max_depth: 4}\nsteps: [" + nested + "]", "f").ok());
  CHECK(mentions(error_in("limits: {max_depth: 3}\nsteps: [" + nested + "]"), "1:1", "more than 3 deep"));
}

TEST_CASE("a workflow may call other files beneath its folder", "[workflow]") {
  const Folder folder;
  folder.write("parts/clean.yaml",
               "inputs: {t: {from: t.csv, into: domain.t}}\nsteps: [sweep, {call: deep/mop.yaml}]\n");
  folder.write("parts/deep/mop.yaml", "steps: [mop]\n");
  const auto main = folder.write(
      "main.yaml",
      "steps:\n  - call: parts/clean.yaml\n  - flux: call\n    workflow: parts/clean.yaml\n    name: again\n");
  const auto workflow = Workflow::load(main).value();
  CHECK(workflow.processes() == std::vector<std::string>{"mop", "sweep"});
  CHECK(workflow.name() == "main");
  REQUIRE(workflow.inputs().size() == 1);
  CHECK(workflow.inputs()[0].folder == folder.path() / "parts");
}

TEST_CASE("a workflow that calls itself is refused with the path of the cycle", "[workflow][F68]") {
  const Folder folder;
  folder.write("b.yaml", "steps:\n  - x\n  - call: c.yaml\n");
  folder.write("c.yaml", "steps: [{call: ./b.yaml}]\n");
  const auto main = folder.write("a.yaml", "steps: [{call: b.yaml}]\n");
  const Error error = Workflow::load(main).error();
  CHECK(error.code() == Errc::bad_workflow);
  const std::string b = (folder.path() / "b.yaml").string();
  const std::string c = (folder.path() / "c.yaml").string();
  CHECK(error.cause() == "the workflow calls itself: " + b + " -> " + c + " -> " + b);
  CHECK(error.where() == c + ":1:9");

  const auto self = folder.write("self.yaml", "steps: [{call: self.yaml}]\n");
  CHECK(Workflow::load(self).error().cause().find("self.yaml -> ") != std::string::npos);
}

TEST_CASE("calls that multiply are read once and stay bounded", "[workflow][F68]") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "{call: f" + std::to_string(i + 1) + ".yaml}";
    folder.write("f" + std::to_string(i) + ".yaml", "steps: [" + next + ", " + next + "]\n");
  }
  folder.write("f40.yaml", "steps: [a]\n");
  CHECK(Workflow::load(folder.path() / "f0.yaml").ok());

  for (int i = 0; i < 70; ++i)
    folder.write("g" + std::to_string(i) + ".yaml", "steps: [{call: g" + std::to_string(i + 1) + ".yaml}]\n");
  CHECK(Workflow::load(folder.path() / "g0.yaml").error().cause().find("64 files") != std::string::npos);
}

TEST_CASE("a call cannot leave the folder of its file", "[workflow][F73]") {
  const Folder folder;
  const auto secret = folder.write("secret.yaml", "steps: [a]\n");
  std::filesystem::create_directories(folder.path() / "in");
  std::filesystem::create_symlink(secret, folder.path() / "in/link.yaml");
  std::filesystem::create_symlink("..", folder.path() / "in/up");
  std::filesystem::create_symlink("inside.yaml", folder.path() / "in/alias.yaml");
  folder.write("in/inside.yaml", "steps: [a]\n");
  const auto load = [&](const std::string& called) {
    return Workflow::load(folder.write("in/main.yaml", "steps: [{call: '" + called + "'}]\n"));
  };
  for (const std::string& called : {std::string{"../secret.yaml"}, secret.string(), std::string{"link.yaml"},
                                    std::string{"up/secret.yaml"}, std::string{"x/../../secret.yaml"}}) {
    CAPTURE(called);
    const auto workflow = load(called);
    REQUIRE_FALSE(workflow.ok());
    CHECK(workflow.error().code() == Errc::bad_workflow);
    CHECK(workflow.error().cause().find("leads out") != std::string::npos);
  }
  CHECK(load("alias.yaml").ok());
  CHECK_FALSE(load("missing.yaml").ok());
  CHECK_FALSE(load("up").ok());
}

TEST_CASE("a workflow is read from regular files only", "[workflow][F73]") {
  const Folder folder;
  REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  for (const std::filesystem::path& file :
       {folder.path(), std::filesystem::path{"/dev/zero"}, folder.path() / "pipe"}) {
    const Error error = Workflow::load(file).error();
    CHECK(error.code() == Errc::bad_workflow);
    CHECK(error.cause().find("not a regular file") != std::string::npos);
  }
  CHECK(Workflow::load(folder.path() / "none.yaml").error().code() == Errc::bad_workflow);
}

TEST_CASE("names with control characters are refused and shown escaped", "[workflow][F75]") {
  const Error error = error_in("steps:\n  - \"a\\e[31m\"\n  - {flux: emit, signal: \"x\\ny\"}\n");
  CHECK(findings_of(error).size() == 2);
  CHECK(error_in("steps:\n  - {\"pro\\ncess\": a}\n").text().find('\n') == std::string::npos);
}

TEST_CASE("a damaged workflow is read or refused with findings", "[workflow][F65][random]") {
  const auto seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  const std::string valid =
      "limits: {max_ops: 9}\ninputs: {a: {from: a.csv, into: domain.a}}\nsteps:\n  - load\n  - flux: while\n    "
      "condition: a.b < 3\n"
      "    do: [x, {process: y, args: {k: \"${a.b} z\"}, timeout: 2s}]\n  - {flux: set, values: {local.i: \"${1 + "
      "2}\"}}\n  - {round: {agents: m_*}}\n";
  const std::string_view bytes = "ab1:,-?[]{}#*'\"$.% \n\t";
  const FixedCatalogue catalogue;
  for (int round = 0; round < 300; ++round) {
    std::string text = valid;
    for (auto edits = random() % 4 + 1; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text.erase(at, random() % 8);
      else
        text.insert(at, 1, bytes[random() % bytes.size()]);
    }
    CAPTURE(text);
    const auto workflow = Workflow::parse(text, "flow.yaml", &catalogue);
    CHECK((workflow.ok() || !findings_of(workflow.error()).empty()));
  }
}

}  // namespace
}  // namespace theus
