#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include "tests/system/command_line.hpp"

#include <csignal>

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

std::vector<int> children_of(int pid) {
  std::vector<int> found;
  for (const auto& thread : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task"}) {
    std::ifstream file{thread.path() / "children"};
    for (int child = 0; file >> child;)
      found.push_back(child);
  }
  return found;
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

TEST_CASE("texts that workers embedded are found by another process, where they lie", "[examples]") {
  const Folder folder;
  const std::string warranty = "This software is provided as is, without warranty of any kind, express or implied.";
  folder.file("bsd.txt",
              "Redistribution and use in source and binary forms, with or without modification, are "
              "permitted provided that the copyright notice is retained. " +
                  warranty);
  folder.file("gpl.txt",
              "You must cause any work that you distribute, that contains the Program, to be licensed as a "
              "whole at no charge to all third parties. The freedom to share and change. " +
                  warranty);
  folder.file("apache.txt",
              "Each Contributor grants to You a perpetual, worldwide, royalty-free patent license to make "
              "and have made the Work. Trademarks are not granted. " +
                  warranty);
  folder.file("mit.txt",
              "Permission is hereby granted, free of charge, to deal in the Software without restriction. " + warranty);
  folder.file("poem.txt", "The fog comes on little cat feet.");
  std::filesystem::create_symlink("poem.txt", folder.path() / "again.txt");
  const auto ask = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"--input", (folder.path() / "*.txt").string(), "--folder",
                                       (folder.path() / "run").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return example("embeddings", arguments);
  };
  const std::pair<std::string, std::string> questions[] = {{"redistribution in binary forms", "bsd.txt"},
                                                           {"licensed as a whole to third parties", "gpl.txt"},
                                                           {"royalty-free patent license", "apache.txt"},
                                                           {"perpettual contribbutors", "apache.txt"},
                                                           {"little cat feet", "poem.txt"}};
  for (const auto& [question, name] : questions) {
    const Finished ran = ask({"--json", question});
    INFO(question << ran.err << ran.out);
    REQUIRE(ran.exit == 0);
    const auto told = document(ran.out);
    CHECK(told["best"][0]["name"] == name);
    CHECK(told["texts"] == 5);
    CHECK(told["blocks"] == 2);
    CHECK(told["bytes_copied"] == 0);
  }
  const Finished words = ask({"without", "restriction"});
  CHECK(has(words.out, "mit.txt\n"));
  CHECK(has(words.out, "5 texts in 2 blocks, 0 bytes copied"));
  CHECK(has(ask({"xyzzy"}).err, "no text is like 'xyzzy'"));
  CHECK(ask({"xyzzy"}).exit == 1);
  CHECK(has(ask({" "}).err, "the query is empty"));
  CHECK(ask({" "}).exit == 2);
  CHECK(has(example("embeddings", {"--help"}).out, "--input"));
  const Finished lost = example("embeddings", {"--input", (folder.path() / "*.md").string(), "fog"});
  CHECK(lost.exit != 0);
  CHECK(has(lost.err, "matches no file"));
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

TEST_CASE("the club comes to the same end in any number of processes", "[examples]") {
  const Folder folder;
  for (const char* processes : {"1", "2", "3", "7"}) {
    const Finished ran = example("karate", {"--processes", processes, "--folder", (folder.path() / ".theus").string()});
    INFO(processes << ": " << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.out == content_of(examples + "karate/expected.txt"));
  }
  const auto told =
      document(example("karate", {"--json", "--processes", "3", "--folder", (folder.path() / ".theus").string()}).out);
  REQUIRE(told["processes"].size() == 3);
  CHECK(told["processes"][0]["last_round"] == 12);
  CHECK(told["processes"][1]["last_round"] == 11);
  CHECK(told["processes"][2]["steps"] == 11 * 55);
  CHECK(std::filesystem::is_empty(folder.path()));
  for (const char* wrong : {"0", "17", "many"}) {
    const Finished refused = example("karate", {"--processes", wrong});
    CHECK(refused.exit != 0);
    CHECK(has(refused.err, "--processes"));
  }
}

TEST_CASE("a ring whose processes are killed comes to the same end as one in a single process [F01]",
          "[examples][F01]") {
  const Folder folder;
  const std::vector<std::string> work{"--agents", "300", "--rounds", "3000", "--json"};
  const auto alone = document(example("karate", work).out);
  std::vector<std::string> command{THEUS_BINARY_DIR "/bin/karate", "--processes", "3", "--folder",
                                   (folder.path() / ".theus").string()};
  command.insert(command.end(), work.begin(), work.end());
  Subprocess ring{command};
  ring.wait_for_err("processes: ");
  ring.wait_for_err("\n");
  // Both others, one after the other, at any moment of their work.
  int killed = 0;
  for (const int pid : children_of(ring.pid()))
    killed += ::kill(pid, SIGKILL) == 0 ? 1 : 0;
  CHECK(killed == 2);
  const Finished finished = ring.finish();
  INFO(finished.err);
  REQUIRE(finished.exit == 0);
  const auto told = document(finished.out);
  CHECK(told["digest"] == alone["digest"]);
  CHECK(told["version"] == 3001);
  CHECK(std::filesystem::is_empty(folder.path()));
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
