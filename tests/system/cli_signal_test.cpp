#include "tests/system/project.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace theus::testing {

using Lines = std::vector<std::string>;

TEST_CASE("signal send and tail meet in the engine that runs in the project folder", "[cli][signal]") {
  const Project project;
  const auto tail = project.listen("tail", {"--count", "3"});
  CHECK(project.signal({"send", "cmd_stop"}).out == "1\n");
  CHECK(project.signal({"send", "sensor.temperature", "{\"celsius\": 21.5}"}).out == "2\n");
  CHECK(document(project.signal({"send", "greeting", "hello", "--json"}).out) ==
        nlohmann::json{{"name", "greeting"}, {"sequence", 3}});
  const Finished seen = tail->finish();
  CHECK(seen.exit == 0);
  CHECK(lines_of(seen.out) ==
        Lines{"1 cmd_stop null", "2 sensor.temperature {\"celsius\":21.5}", "3 greeting \"hello\""});
}

TEST_CASE("signal tail filters, begins with earlier signals, and speaks JSON", "[cli][signal]") {
  const Project project;
  for (const char* name : {"sensor.a", "other", "sensor.b", "sensor.c"})
    project.signal({"send", name, "7"});
  CHECK(project.signal({"tail", "--last", "2", "--for", "0.2"}).out == "3 sensor.b 7\n4 sensor.c 7\n");
  const Finished filtered = project.signal({"tail", "--last", "9", "--filter", "sensor.*", "--count", "2", "--json"});
  const Lines lines = lines_of(filtered.out);
  REQUIRE(lines.size() == 2);
  CHECK(nlohmann::json::parse(lines[0]) ==
        nlohmann::json{{"sequence", 1}, {"version", 0}, {"index", 0}, {"name", "sensor.a"}, {"payload", 7}});
  CHECK(nlohmann::json::parse(lines[1])["name"] == "sensor.b");
  CHECK(filtered.err.empty());
}

TEST_CASE("signal hz prints how many signals of each name there are in a second", "[cli][signal]") {
  const Project project;
  const auto rates = project.begin({"signal", "hz", "--count", "1", "--every", "1", "--json"});
  for (int i = 0; i < 4; ++i)
    project.signal({"send", i == 0 ? "rare" : "frequent"});
  const auto counted = document(rates->finish().out);
  CHECK(counted["missed"] == 0);
  CHECK(counted["seconds"].get<double>() >= 1);
  std::uint64_t sum = 0;
  for (const auto& rate : counted["rates"]) {
    sum += rate["count"].get<std::uint64_t>();
    CHECK(rate["hz"].get<double>() * counted["seconds"].get<double>() == Approx(rate["count"].get<double>()));
  }
  CHECK(sum >= 1);
  CHECK(sum <= 4);

  const Finished silent = project.signal({"hz", "--for", "0.3"});
  CHECK(silent.exit == 0);
  CHECK(has(silent.out, "0.0 /s  (all)\n"));
}

TEST_CASE("a signal of the system ends signal tail at once, with 130", "[cli][signal]") {
  const Project project;
  const auto tail = project.listen("tail", {});
  tail->signal(SIGINT);
  CHECK(tail->finish().exit == 130);
}

TEST_CASE("signal tail and hz say when their engine goes away, and end with 4", "[cli][signal]") {
  for (const char* how : {"tail", "hz"}) {
    Project project;
    const auto listening = project.listen(how, {});
    project.signal({"send", "last"});
    if (std::string_view{how} == "tail")
      listening->wait_for_out("last");
    project.engine().signal(SIGKILL);
    const Finished seen = listening->finish();
    INFO(how << ": " << seen.err);
    CHECK(seen.exit == 4);
    CHECK(has(seen.err, "the engine went away"));
  }
}

TEST_CASE("without a running engine the signal commands end with 4", "[cli][signal]") {
  const Folder folder;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"signal", "tail"}, {"signal", "hz"}, {"signal", "send", "x"}}) {
    const Finished ran = theus(command, {.folder = folder.path().string()});
    INFO(command[1] << ": " << ran.err);
    CHECK(ran.exit == 4);
    CHECK(ran.out.empty());
    CHECK(has(ran.err, "owner_down"));
  }
}

TEST_CASE("a mistyped signal command ends with 2, a refused one with 1", "[cli][signal]") {
  const Folder folder;
  const auto exit_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "signal");
    return theus(std::move(arguments), {.folder = folder.path().string()}).exit;
  };
  CHECK(exit_of({"sent", "x"}) == 2);
  CHECK(exit_of({"send"}) == 2);
  CHECK(exit_of({"send", "x", "{\"half"}) == 2);
  CHECK(exit_of({"tail", "--count", "0"}) == 2);
  CHECK(exit_of({"hz", "--every", "0"}) == 2);
  const Project project;
  const Finished refused = project.signal({"send", std::string(300, 'x')});
  CHECK(refused.exit == 1);
  CHECK(has(refused.err, "255 bytes"));
}

TEST_CASE("what signals carry cannot drive the terminal [F75]", "[cli][signal][F75]") {
  const Project project;
  project.signal({"send", "na\x1b[31mme", "\x1b]0;title\x07"});
  const Finished seen = project.signal({"tail", "--last", "1", "--count", "1"});
  CHECK(seen.exit == 0);
  CHECK_FALSE(has(seen.out, "\x1b"));
  CHECK_FALSE(has(seen.out, "\x07"));
}

}  // namespace theus::testing
