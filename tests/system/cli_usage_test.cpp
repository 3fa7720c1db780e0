#include "tests/system/command_line.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

TEST_CASE("theus tells its version and helps", "[cli]") {
  const Finished version = theus({"--version"});
  CHECK(version.exit == 0);
  CHECK(version.out == "theus 0.1.0\n");
  CHECK(document(theus({"--version", "--json"}).out) == nlohmann::json{{"version", "0.1.0"}});

  const Finished help = theus({"--help"});
  CHECK(help.exit == 0);
  CHECK(help.err.empty());
  for (const char* word : {"run", "process", "workflow", "--version", "130 interrupted"})
    CHECK(has(help.out, word));

  const Finished run_help = theus({"run", "--help"});
  CHECK(run_help.exit == 0);
  for (const char* word :
       {"WORKFLOW", "--module", "--input", "--set", "--get", "--timeout", "--quiet", "--json", "Examples:"})
    CHECK(has(run_help.out, word));
}

TEST_CASE("a mistyped command line ends with 2 and names what was meant", "[cli]") {
  struct Case {
    std::vector<std::string> arguments;
    std::string named;
  };
  const Case cases[] = {
      {{}, "A command is required"},
      {{"rnu", "flow.yaml"}, "Did you mean 'run'"},
      {{"process"}, "A command is required"},
      {{"process", "lst"}, "Did you mean 'list'"},
      {{"process", "inspct", "sell"}, "Did you mean 'inspect'"},
      {{"--vresion"}, "Did you mean '--version'"},
      {{"run"}, "WORKFLOW is required"},
      {{"run", "flow.yaml", "--modul", "shop.so"}, "Did you mean '--module'"},
      {{"run", "flow.yaml", "--modul=shop.so"}, "Did you mean '--module'"},
      {{"run", "flow.yaml", "other.yaml"}, "'other.yaml' is one too many"},
      {{"run", "flow.yaml", "--timeout", "5"}, "--timeout"},
      {{"run", "flow.yaml", "--timeout", "0s"}, "--timeout"},
      {{"run", "flow.yaml", "--timeout", "5 parsecs"}, "--timeout"},
      {{"run", "flow.yaml", "--timeout", "99999999999999999999s"}, "--timeout"},
      {{"run", "flow.yaml", "--timeout=-5s"}, "--timeout"},
      {{"run", "flow.yaml", "--input", "orders.csv"}, "NAME=FILE"},
      {{"run", "flow.yaml", "--set", "domain.x"}, "PATH=JSON"},
      {{"run", "flow.yaml", "--set", "domain.x=text"}, "Texts need quotes of their own"},
      {{"run", "flow.yaml", "--set", "domain..x=1"}, "a key is empty"},
      {{"run", "flow.yaml", "--get", "a..b"}, "a key is empty"},
      {{"process", "list"}, "--module is required"},
  };
  for (const Case& mistyped : cases) {
    const Finished answer = theus(mistyped.arguments);
    INFO(nlohmann::json(mistyped.arguments) << " gave " << answer.err);
    CHECK(answer.exit == 2);
    CHECK(answer.out.empty());
    CHECK(has(answer.err, mistyped.named));
  }
}

TEST_CASE("with --json a mistyped command line is answered by one document", "[cli]") {
  const Finished answer = theus({"rnu", "--json"});
  CHECK(answer.exit == 2);
  CHECK(answer.err.empty());
  const auto error = document(answer.out)["error"];
  CHECK(error["code"] == "bad_argument");
  CHECK(error["where"] == "theus");
  CHECK(error["cause"] == "there is no command 'rnu'");
  CHECK(error["remedy"] == "Did you mean 'run'?");
}

TEST_CASE("output that does not arrive whole is not a success [F135]", "[cli][F135]") {
  using Out = SubprocessOptions::Out;
  for (const Out out : {Out::closed, Out::full_disk, Out::broken_pipe})
    for (const char* form : {"--version", "--help"}) {
      const Finished answer = theus({form}, {.out = out});
      CHECK(answer.exit == 1);
      CHECK(has(answer.err, "standard output"));
      CHECK(has(answer.err, "not whole"));
    }
}

TEST_CASE("what comes from outside cannot drive the terminal [F75]", "[cli][F75]") {
  const std::string hostile = "\x1b[2J\x1b]0;owned\x07\nerror: forged\xe2\x80\xae";
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{hostile},
                                                    {"--" + hostile},
                                                    {"run", hostile},
                                                    {"run", "flow.yaml", "--set", hostile},
                                                    {"process", "list", "--module", hostile},
                                                    {"process", "inspect", hostile, "--module", module("shop")},
                                                    {"workflow", "validate", hostile}}) {
    const Finished answer = theus(arguments);
    INFO(answer.err);
    CHECK(answer.exit != 0);
    CHECK_FALSE(has(answer.err, "\x1b"));
    CHECK_FALSE(has(answer.err, "\x07"));
    CHECK_FALSE(has(answer.err, "\nerror: forged"));
    CHECK_FALSE(has(answer.err, "\xe2\x80\xae"));
  }
}

TEST_CASE("colours appear on a terminal only, and never with NO_COLOR", "[cli]") {
  CHECK_FALSE(has(theus({"rnu"}).err, "\x1b"));
  CHECK(has(theus({"rnu"}, {.environment = {"NO_COLOR=", "TERM=xterm"}, .terminal = true}).err, "\x1b[1;31merror:"));
  CHECK_FALSE(has(theus({"rnu"}, {.environment = {"NO_COLOR=1", "TERM=xterm"}, .terminal = true}).err, "\x1b"));
  CHECK_FALSE(has(theus({"rnu"}, {.environment = {"TERM=dumb"}, .terminal = true}).err, "\x1b"));
}

}  // namespace theus::testing
