#include "tests/system/project.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace theus::testing {

TEST_CASE("state get and set work on the engine that runs in the project folder", "[cli][state]") {
  Project project;
  CHECK(project.state({"get"}).out == "{\"domain\":{\"sold\":2}}\n");
  CHECK(project.state({"get", "domain.sold"}).out == "2\n");
  CHECK(document(project.state({"get", "domain.sold", "--json"}).out) ==
        nlohmann::json{{"path", "domain.sold"}, {"value", 2}, {"version", 2}});

  const Finished absent = project.state({"get", "domain.sodl"});
  CHECK(absent.exit == 1);
  CHECK(has(absent.err, "nothing at this path"));

  const Finished set = project.state({"set", "domain.sold", "41"});
  CHECK(set.exit == 0);
  CHECK(set.out == "3\n");
  CHECK(project.state({"set", "domain.name", "Ada", "--reason", "the form was wrong"}).out == "4\n");
  CHECK(document(project.state({"set", "domain['a b']", "{\"x\": [1, null]}", "--json"}).out) ==
        nlohmann::json{{"path", "domain['a b']"}, {"version", 5}});
  CHECK(project.state({"set", "domain.sold", "-5"}).out == "6\n");
  CHECK(project.state({"get"}).out == "{\"domain\":{\"a b\":{\"x\":[1,null]},\"name\":\"Ada\",\"sold\":-5}}\n");
}

TEST_CASE("state set refuses what the state refuses, with its exit code", "[cli][state]") {
  Project project;
  const Finished stale = project.state({"set", "domain.sold", "7", "--expected", "1"});
  CHECK(stale.exit == 5);
  CHECK(has(stale.err, "version_mismatch"));
  CHECK(project.state({"set", "domain.sold", "7", "--expected", "2"}).exit == 0);
  CHECK(project.state({"set", "const_x", "1"}).exit == 1);
  const auto error = document(project.state({"set", "domain.sold", "8", "--expected", "2", "--json"}).out)["error"];
  CHECK(error["code"] == "version_mismatch");
  CHECK(error["fields"]["expected"] == 2);
  CHECK(project.state({"get", "domain.sold"}).out == "7\n");
}

TEST_CASE("state watch prints each change on a line until it has enough", "[cli][state]") {
  Project project;
  const auto watching = project.watch({"domain", "--count", "3"});
  // Told before the next is made: changes that come close together may be told as one.
  project.state({"set", "domain.sold", "3"});
  watching->wait_for_out("3 ~ domain.sold: 2 -> 3\n");
  project.state({"set", "elsewhere", "1"});
  project.state({"set", "domain.name", "Ada"});
  watching->wait_for_out("5 + domain.name = \"Ada\"\n");
  project.state({"set", "domain.sold", "4"});
  const Finished seen = watching->finish();
  CHECK(seen.exit == 0);
  CHECK(lines_of(seen.out) ==
        std::vector<std::string>{"3 ~ domain.sold: 2 -> 3", "5 + domain.name = \"Ada\"", "6 ~ domain.sold: 3 -> 4"});

  const Finished none = project.state({"watch", "--for", "0.05"});
  CHECK(none.exit == 0);
  CHECK(none.out.empty());

  const Finished missed =
      project.state({"watch", "domain.sold", "domain.other", "--since", "2", "--for", "5", "--count", "1", "--json"});
  CHECK(missed.err.empty());
  CHECK(document(missed.out) == nlohmann::json{{"kind", "changed"},
                                               {"path", "domain.sold"},
                                               {"before", nullptr},
                                               {"after", 4},
                                               {"since", 2},
                                               {"version", 6}});
}

TEST_CASE("a signal ends state watch at once, with 130", "[cli][state]") {
  Project project;
  for (const int number : {SIGINT, SIGTERM}) {
    const auto watching = project.watch({});
    watching->signal(number);
    CHECK(watching->finish().exit == 130);
  }
}

TEST_CASE("state watch says when its engine goes away, and ends with 4", "[cli][state]") {
  Project project;
  const auto killed = project.watch({});
  project.engine().signal(SIGKILL);
  const Finished left = killed->finish();
  CHECK(left.exit == 4);
  CHECK(has(left.err, "peer_down"));
  CHECK(has(left.err, "the engine went away"));

  // What it left is recognised: nobody attaches to it, and the next run replaces it.
  CHECK(project.state({"get"}).exit == 4);
  CHECK(project.state({"get", "--attach", project.handle()}).exit == 4);
  project.start();
  CHECK(project.state({"get", "domain.sold"}).out == "2\n");

  const auto watching = project.watch({});
  project.engine().signal(SIGINT);
  CHECK(project.engine().finish().exit == 130);
  const Finished told = watching->finish();
  CHECK(told.exit == 4);
  CHECK(has(told.err, "the engine was shut down"));
  std::size_t left_behind = 0;
  if (std::filesystem::exists(project.path() + "/.theus"))
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{project.path() + "/.theus"})
      ++left_behind;
  CHECK(left_behind == 0);
}

TEST_CASE("state diff prints what changed in a while", "[cli][state]") {
  Project project;
  Subprocess comparing{{THEUS_BINARY_DIR "/bin/theus", "state", "diff", "domain", "--for", "2"},
                       {.folder = project.path()}};
  comparing.wait_for_err("comparing with version 2");
  project.state({"set", "domain.sold", "3"});
  project.state({"set", "domain.sold", "4"});
  project.state({"set", "elsewhere", "5"});
  const Finished seen = comparing.finish();
  CHECK(seen.exit == 0);
  CHECK(seen.out == "~ domain.sold: 2 -> 4\n");

  const Finished nothing = project.state({"diff", "--for", "0.01", "--json"});
  CHECK(nothing.err.empty());
  CHECK(document(nothing.out) ==
        nlohmann::json{{"since", 5}, {"version", 5}, {"differences", nlohmann::json::array()}, {"omitted", 0}});
}

TEST_CASE("state get and diff run a workflow of modules of their own", "[cli][state]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell, sell, {flux: set, values: {domain.by: Ada}}]\n");
  const std::vector<std::string> own{"--module", module("shop"), "--run", flow};
  const auto with = [&](std::vector<std::string> first) {
    first.insert(first.end(), own.begin(), own.end());
    return theus(first, {.folder = folder.path().string()});
  };
  CHECK(with({"state", "get", "domain.sold"}).out == "2\n");
  CHECK(with({"state", "diff"}).out == "+ domain = {\"by\":\"Ada\",\"sold\":2}\n");
  const auto report = document(with({"state", "diff", "domain.by", "domain.none", "--json"}).out);
  CHECK(report["differences"] == nlohmann::json::parse(R"([{"kind": "added", "path": "domain.by", "after": "Ada"}])"));
  CHECK(report["since"] == 0);
  CHECK(report["version"] == 3);

  const Finished empty = theus({"state", "get", "--module", module("shop")});
  CHECK(empty.out == "{}\n");
  const std::string failing = folder.file("failing.yaml", "steps: [sell, fail]\n");
  const Finished failed = theus({"state", "get", "--module", module("shop"), "--run", failing});
  CHECK(failed.exit == 1);
  CHECK(has(failed.err, "out of stock"));
}

TEST_CASE("without a running engine all that was looked for is told, with 4", "[cli][state]") {
  const Folder folder;
  const SubprocessOptions here{.folder = folder.path().string()};
  for (const std::vector<std::string>& command : {std::vector<std::string>{"state", "get"},
                                                  {"state", "set", "domain.a", "1"},
                                                  {"state", "watch"},
                                                  {"state", "diff", "--for", "1"}}) {
    const Finished none = theus(command, here);
    CHECK(none.exit == 4);
    for (const char* word : {"THEUS_HANDLE", ".theus", "--attach"})
      CHECK(has(none.err, word));
  }
  const Finished gone = theus({"state", "get", "--attach", "unix:" + here.folder + "/.theus/engine-1"}, here);
  CHECK(gone.exit == 4);
  CHECK(document(theus({"state", "get", "--json"}, here).out)["error"]["code"] == "owner_down");
}

TEST_CASE("an engine is reached by handle, by environment, and from a folder below its project", "[cli][state]") {
  Project project;
  const std::vector<std::string> get{"state", "get", "domain.sold"};
  const Folder elsewhere;
  CHECK(
      theus({"state", "get", "domain.sold", "--attach", project.handle()}, {.folder = elsewhere.path().string()}).out ==
      "2\n");
  CHECK(theus(get, {.environment = {"THEUS_HANDLE=" + project.handle()}, .folder = elsewhere.path().string()}).out ==
        "2\n");
  const std::string below = project.path() + "/a/b";
  std::filesystem::create_directories(below);
  CHECK(theus(get, {.folder = below}).out == "2\n");
  CHECK(theus(get, {.environment = {"THEUS_HANDLE=nonsense"}, .folder = below}).exit == 1);
}

TEST_CASE("of several engines in one project one must be chosen", "[cli][state]") {
  Project project;
  const std::string first = project.handle();
  project.start();
  const std::string second = project.handle();
  const Finished several = project.state({"get"});
  CHECK(several.exit == 4);
  CHECK(has(several.err, first));
  CHECK(has(several.err, second));
  CHECK(has(several.err, "--attach"));
  CHECK(project.state({"set", "domain.sold", "9", "--attach", second}).exit == 0);
  CHECK(project.state({"get", "domain.sold", "--attach", first}).out == "2\n");
}

TEST_CASE("run --no-attach opens nothing", "[cli][state]") {
  Project project{{"--no-attach"}};
  CHECK_FALSE(std::filesystem::exists(project.path() + "/.theus"));
  CHECK(project.state({"get"}).exit == 4);
}

TEST_CASE("a run to which nobody can attach says so, and runs", "[cli][state]") {
  const Folder folder;
  const std::string flow = folder.file("flow.yaml", "steps: [sell]\n");
  std::filesystem::create_directory(folder.path() / ".theus");
  std::filesystem::permissions(folder.path() / ".theus", std::filesystem::perms{0755});
  const Finished ran = theus({"run", flow, "--module", module("shop")}, {.folder = folder.path().string()});
  CHECK(ran.exit == 0);
  CHECK(has(ran.err, "nobody can attach"));
  CHECK(has(ran.err, "chmod 700"));
}

TEST_CASE("a mistyped state command ends with 2", "[cli][state]") {
  struct Case {
    std::vector<std::string> arguments;
    std::string named;
  };
  const Case cases[] = {
      {{"state"}, "A command is required"},
      {{"state", "gett"}, "Did you mean 'get'"},
      {{"state", "get", "a..b"}, "a key is empty"},
      {{"state", "get", "--run", "flow.yaml"}, "--module"},
      {{"state", "get", "--module", "x.so", "--attach", "unix:/x"}, "excludes"},
      {{"state", "set", "domain.a"}, "VALUE is required"},
      {{"state", "set", "domain.a", "{\"x\": "}, "no JSON"},
      {{"state", "set", "domain.a", "1", "--expected", "-1"}, "--expected"},
      {{"state", "watch", "--for", "0"}, "--for"},
      {{"state", "watch", "--count", "0"}, "--count"},
      {{"state", "diff"}, "--for SECONDS or --run WORKFLOW"},
      {{"state", "diff", "--for", "1", "--limit", "10001"}, "--limit"},
  };
  for (const Case& mistyped : cases) {
    const Finished answer = theus(mistyped.arguments);
    INFO(nlohmann::json(mistyped.arguments) << " gave " << answer.err);
    CHECK(answer.exit == 2);
    CHECK(answer.out.empty());
    CHECK(has(answer.err, mistyped.named));
  }
}

TEST_CASE("what stands in the state cannot drive the terminal [F75]", "[cli][state][F75]") {
  Project project;
  const auto watching = project.watch({"--count", "1"});
  project.state({"set", "domain.x", "\"\\u001b[2J\\n\\u202e\""});
  const Finished seen = watching->finish();
  for (const std::string& text : {seen.out, project.state({"get", "domain.x"}).out}) {
    CHECK_FALSE(has(text, "\x1b"));
    CHECK_FALSE(has(text, "\xe2\x80\xae"));
    CHECK(has(text, "\\u001b[2J\\n\\u202e"));
    CHECK(lines_of(text).size() == 1);
  }
}

}  // namespace theus::testing
