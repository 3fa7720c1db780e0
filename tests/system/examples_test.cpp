#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include "tests/system/command_line.hpp"

namespace theus::testing {
namespace {

const std::string examples = THEUS_SOURCE_DIR "/examples/";

std::string content_of(const std::string& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

Finished example(const std::string& name, std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), THEUS_BINARY_DIR "/bin/" + name);
  return run(std::move(arguments));
}

std::string digest_in(const std::string& text) {
  const std::string mark = "digest ";
  const auto at = text.find(mark);
  return at == std::string::npos ? "none in: " + text : text.substr(at + mark.size(), 64);
}

}  // namespace

TEST_CASE("the journal of each example is whole, and run again gives the same digest", "[examples][replay]") {
  const Folder folder;
  for (const std::string name : {"counter", "bank", "deliberation", "market", "karate"}) {
    const std::string journal = (folder.path() / (name + ".journal")).string();
    const Finished ran = example(name, {"--journal", journal});
    INFO(name << ": " << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.out == content_of(examples + name + "/expected.txt"));
    const Finished verified = theus({"replay", journal, "--verify"});
    INFO(verified.err);
    CHECK(verified.exit == 0);
    if (name == "counter" || name == "bank")
      continue;  // All that they do comes from outside.
    const Finished again = name == "karate"
                               ? theus({"replay", journal, "--rerun", "--module", THEUS_BINARY_DIR "/lib/karate.so"})
                               : example(name, {"--rerun", journal});
    INFO(again.err);
    CHECK(again.exit == 0);
    CHECK(has(again.out, "bodies ran again"));
    CHECK_FALSE(has(again.out, "\n0 bodies"));
    CHECK(digest_in(again.out) == digest_in(verified.out));
  }
}

TEST_CASE("each example prints what it promises", "[examples]") {
  for (const char* name : {"hello", "counter", "bank", "deliberation", "market", "ticker", "karate", "fragile"}) {
    const Finished ran = example(name);
    INFO(name << ": " << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.out == content_of(examples + name + "/expected.txt"));
  }
}

TEST_CASE("two processes look at frames where they were built, and none is held when one is killed", "[examples]") {
  for (const bool kills : {false, true}) {
    const Folder folder;
    std::vector<std::string> arguments{"--frames", "60", "--folder", folder.path().string() + "/.theus"};
    if (kills)
      arguments.insert(arguments.end(), {"--kill", "20"});
    const Finished ran = example("frames", arguments);
    INFO(ran.err << ran.out);
    CHECK(ran.exit == 0);
    CHECK(has(ran.out, "histogram looked at 60, 0 wrong\n"));
    CHECK(has(ran.out, "edges     looked at 60, 0 wrong\n"));
    CHECK(has(ran.out, kills ? "consumers started again: 1\n" : "consumers started again: 0\n"));
    CHECK(has(ran.out, "bytes copied: 0\nleases left: 0\nbuffers left: 0\n"));
  }
}

TEST_CASE("the README shows the first example as it is", "[examples]") {
  CHECK(has(content_of(THEUS_SOURCE_DIR "/README.md"), "```cpp\n" + content_of(examples + "hello/main.cpp") + "```"));
}

TEST_CASE("the club splits as recorded but for member 9, the same in every run", "[examples]") {
  const auto first = document(example("karate", {"--json"}).out);
  CHECK(first["right"] == 33);
  CHECK(first["members"].size() == 34);
  CHECK(first["missed"] == nlohmann::json{9});
  CHECK(first["rounds"] == 55);
  CHECK(first["largest_move"] < 1e-6);
  CHECK(document(example("karate", {"--json"}).out)["digest"] == first["digest"]);
}

TEST_CASE("the club is a module for the command line too", "[examples]") {
  const Finished ran = theus({"run", examples + "karate/karate.yaml", "--module", THEUS_BINARY_DIR "/lib/karate.so",
                              "--get", "domain.round", "--get", "domain.club.member_34.opinion"});
  INFO(ran.err);
  CHECK(ran.exit == 0);
  CHECK(ran.out == "55\n-1.0\n");
}

TEST_CASE("a ring of agents ends with the same digest in every run", "[examples]") {
  const auto first = document(example("karate", {"--agents", "1000", "--rounds", "3", "--json"}).out);
  CHECK(first["agents"] == 1000);
  CHECK(first["version"] == 4);
  CHECK(document(example("karate", {"--agents", "1000", "--rounds", "3", "--json"}).out)["digest"] == first["digest"]);
}

}  // namespace theus::testing
