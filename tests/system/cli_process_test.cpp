#include "tests/system/command_line.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

TEST_CASE("process list shows what a module registers", "[cli]") {
  const Finished listed = theus({"process", "list", "--module", module("shop")});
  CHECK(listed.exit == 0);
  CHECK(listed.err.empty());
  CHECK(listed.out ==
        "fail    effect  - -> domain.sold\n"
        "hang    pure    - -> -\n"
        "ignore  pure    - -> -\n"
        "sell    effect  domain.sold -> domain.sold\n");

  const auto processes = document(theus({"process", "list", "--module", module("shop"), "--json"}).out)["processes"];
  REQUIRE(processes.size() == 4);
  CHECK(processes[3] == nlohmann::json{{"name", "sell"},
                                       {"semantic", "effect"},
                                       {"inputs", {"domain.sold"}},
                                       {"outputs", {"domain.sold"}},
                                       {"arguments", {"customer"}},
                                       {"side_effects", nlohmann::json::array()},
                                       {"errors", nlohmann::json::array()},
                                       {"verify_pure", false},
                                       {"blocking", false},
                                       {"isolated", false},
                                       {"timeout_ms", 30000},
                                       {"attempts_max", 8}});
}

TEST_CASE("process inspect shows one contract with its limits", "[cli]") {
  const Finished shown = theus({"process", "inspect", "sell", "--module", module("shop")});
  CHECK(shown.exit == 0);
  CHECK(shown.out ==
        "name          sell\n"
        "semantic      effect\n"
        "inputs        domain.sold\n"
        "outputs       domain.sold\n"
        "arguments     customer\n"
        "side effects  -\n"
        "errors        any\n"
        "timeout       30000 ms\n"
        "attempts      at most 8\n");
  CHECK(document(theus({"process", "inspect", "sell", "--module", module("shop"), "--json"}).out)["timeout_ms"] ==
        30000);
}

TEST_CASE("process inspect of an unknown name tells the nearest", "[cli]") {
  const Finished answer = theus({"process", "inspect", "sel", "--module", module("shop")});
  CHECK(answer.exit == 1);
  CHECK(answer.out.empty());
  CHECK(has(answer.err, "unknown_process"));
  CHECK(has(answer.err, "Did you mean 'sell'"));
}

TEST_CASE("several modules join one engine", "[cli]") {
  const Finished twice = theus({"process", "list", "--module", module("shop"), "--module", module("shop")});
  CHECK(twice.exit == 1);
  CHECK(has(twice.err, "duplicate_name"));
}

TEST_CASE("a file that is no fitting module is refused with its name", "[cli]") {
  struct Case {
    std::string file;
    int exit;
    std::string code;
    std::string cause;
  };
  const Case cases[] = {
      {"/nowhere/shop.so", 3, "bad_input", "No such file"},
      {"shop.so", 3, "bad_input", "No such file"},
      {THEUS_BINARY_DIR "/CMakeCache.txt", 3, "bad_input", "ELF header"},
      {module("undefined_symbol"), 3, "bad_input", "defined_nowhere"},
      {module("no_module"), 3, "bad_input", "does not export theus_module_abi"},
      {module("old_interface"), 3, "bad_input", "module interface 0"},
      {module("refuses"), 1, "duplicate_name", "twin"},
      {module("throws"), 3, "bad_input", "no licence"},
  };
  for (const Case& bad : cases) {
    const Finished answer = theus({"process", "list", "--module", bad.file, "--json"});
    INFO(bad.file << " gave " << answer.out << answer.err);
    CHECK(answer.exit == bad.exit);
    const auto error = document(answer.out)["error"];
    CHECK(error["code"] == bad.code);
    CHECK(has(error["where"].get<std::string>() + error["cause"].get<std::string>(), bad.cause));
    CHECK(error["fields"]["module"] == bad.file);
  }
}

}  // namespace theus::testing
