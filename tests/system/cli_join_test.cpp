#include "tests/system/project.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace theus::testing {

TEST_CASE("theus join runs a workflow on the state of another engine and ends", "[cli][join]") {
  Project project;
  const std::string flow = project.folder().file("more.yaml", "steps: [sell, sell, sell]\n");
  const Finished joined = theus({"join", project.handle(), "--module", module("shop"), "--run", flow});
  CHECK(joined.exit == 0);
  CHECK(has(joined.err, "complete: 3 steps, version 5"));
  CHECK(project.state({"get", "domain.sold"}).out == "5\n");
  const auto told =
      document(theus({"join", project.handle(), "--module", module("shop"), "--run", flow, "--json"}).out);
  CHECK(told["steps_run"] == 3);
  CHECK(told["version"] == 8);
}

TEST_CASE("theus join stays until it is interrupted, and tells when the owner went down [F08]", "[cli][join]") {
  Project project;
  Subprocess joined{{THEUS_BINARY_DIR "/bin/theus", "join", project.handle(), "--module", module("shop")}};
  joined.wait_for_err("joined at version");
  project.engine().signal(SIGKILL);
  joined.wait_for_err("owner_down");
  joined.signal(SIGINT);
  CHECK(joined.finish().exit == 130);
}

TEST_CASE("theus join says why it cannot", "[cli][join]") {
  const Folder folder;
  const Finished nobody = theus({"join", "unix:" + (folder.path() / "engine-1").string()});
  CHECK(nobody.exit == 4);
  CHECK(has(nobody.err, "owner_down"));
  CHECK(theus({"join"}).exit == 2);
  CHECK(theus({"join", "nonsense"}).exit != 0);
}

}  // namespace theus::testing
