#include "tests/system/command_line.hpp"

#include <catch2/catch.hpp>

namespace theus::testing {

TEST_CASE("workflow validate accepts a good file without running it", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell, fail]\n");
  const Finished offline = theus({"workflow", "validate", flow});
  CHECK(offline.exit == 0);
  CHECK(offline.out == flow + ": valid; give --module to check the names of processes too\n");

  const Finished checked = theus({"workflow", "validate", flow, "--module", module("shop")});
  CHECK(checked.exit == 0);
  CHECK(checked.out == flow + ": valid\n");
  CHECK(document(theus({"workflow", "validate", flow, "--module", module("shop"), "--json"}).out) ==
        nlohmann::json{{"workflow", flow}, {"valid", true}, {"processes_checked", true}});
}

TEST_CASE("workflow validate tells everything that is wrong, with its place", "[cli]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml",
                                       "steps:\n"
                                       "  - sel\n"
                                       "  - flux: wile\n"
                                       "    do: [sell]\n");
  const Finished answer = theus({"workflow", "validate", flow, "--module", module("shop")});
  CHECK(answer.exit == 3);
  CHECK(answer.out.empty());
  CHECK(has(answer.err, "bad_workflow"));
  CHECK(has(answer.err, flow + ":3:"));
  CHECK(has(answer.err, "while"));

  const std::string misspelt = folder.file("misspelt.yaml", "steps:\n  - sell\n  - sel\n  - fial\n");
  const Finished named = theus({"workflow", "validate", misspelt, "--module", module("shop"), "--json"});
  CHECK(named.exit == 3);
  const auto findings = document(named.out)["error"]["fields"]["findings"];
  REQUIRE(findings.size() == 2);
  CHECK(findings[0]["file"] == misspelt);
  CHECK(findings[0]["line"] == 3);
  CHECK(has(findings[0]["suggestion"], "sell"));
  CHECK(findings[1]["line"] == 4);
  CHECK(has(findings[1]["suggestion"], "fail"));
}

TEST_CASE("workflow validate refuses a file that is missing or no YAML", "[cli]") {
  const Folder folder;
  for (const std::string& flow : {std::string{"/nowhere/flow.yaml"}, folder.file("odd.yaml", "steps: [\n")}) {
    const Finished answer = theus({"workflow", "validate", flow});
    INFO(answer.err);
    CHECK(answer.exit == 3);
    CHECK(has(answer.err, flow));
  }
}

}  // namespace theus::testing
