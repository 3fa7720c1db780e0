#include "tests/system/project.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace theus::testing {
namespace {

std::string content(const std::string& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// A folder with a flow that sells twice, and perhaps a schema in its usual place.
struct Shop {
  explicit Shop(const std::string& schema = {}) {
    flow = folder.file("flow.yaml", "steps: [sell, sell]\n");
    if (!schema.empty()) {
      std::filesystem::create_directory(folder.path() / "specs");
      file = folder.file("specs/context_schema.yaml", schema);
    }
  }
  Finished call(std::vector<std::string> arguments) const {
    return theus(std::move(arguments), {.folder = folder.path().string()});
  }

  Folder folder;
  std::string flow;
  std::string file;
};

TEST_CASE("run holds the state to the project's schema", "[cli][schema][F84]") {
  const Shop shop{"paths: {domain.sold: {type: integer, maximum: 1}}\n"};
  const Finished refused = shop.call({"run", shop.flow, "--module", module("shop"), "--no-attach"});
  CHECK(refused.exit == 1);
  CHECK(has(refused.err, "domain.sold: wanted <= 1, got 2"));
  const std::string other = shop.folder.file("other.yaml", "paths: {domain.sold: {type: integer, maximum: 9}}\n");
  CHECK(shop.call({"run", shop.flow, "--module", module("shop"), "--no-attach", "--schema", other}).exit == 0);
  const std::string broken = shop.folder.file("broken.yaml", "paths: {domain.sold: {typ: integer}}\n");
  const Finished bad = shop.call({"run", shop.flow, "--module", module("shop"), "--no-attach", "--schema", broken});
  CHECK(bad.exit == 3);
  CHECK(has(bad.err, broken + ":1:23: unknown keyword 'typ'"));
  CHECK(shop.call({"run", shop.flow, "--module", module("shop"), "--no-attach", "--schema", "/nowhere"}).exit == 3);
}

TEST_CASE("schema gen drafts a file once, which check and run then take", "[cli][schema]") {
  const Shop shop;
  const std::vector<std::string> gen{"schema", "gen", "--module", module("shop"), "--run", shop.flow};
  const Finished made = shop.call(gen);
  CHECK(made.exit == 0);
  CHECK(made.out == "specs/context_schema.yaml\n");
  const std::string file = (shop.folder.path() / "specs/context_schema.yaml").string();
  CHECK(has(content(file), "sold:\n"));
  const Finished again = shop.call(gen);
  CHECK(again.exit == 3);
  CHECK(has(again.err, "--force"));
  std::vector<std::string> forced = gen;
  forced.push_back("--force");
  CHECK(shop.call(forced).exit == 0);
  CHECK(std::distance(std::filesystem::directory_iterator{shop.folder.path() / "specs"}, {}) == 1);

  const Finished checked = shop.call({"schema", "check", "--module", module("shop"), "--run", shop.flow, "--json"});
  CHECK(checked.exit == 0);
  CHECK(document(checked.out) ==
        nlohmann::json{{"schema", "specs/context_schema.yaml"}, {"valid", true}, {"checked", "the state"}});
  CHECK(shop.call({"run", shop.flow, "--module", module("shop"), "--no-attach"}).exit == 0);
}

TEST_CASE("schema check tells whether a state fits, and whether the file is right", "[cli][schema]") {
  const Shop shop{"paths: {domain: {required: [sold, name], properties: {sold: {type: string}}}}\n"};
  const Finished unfit = shop.call({"schema", "check", "--module", module("shop"), "--run", shop.flow});
  CHECK(unfit.exit == 1);
  CHECK(has(unfit.err, "domain.sold: wanted string, got 2"));
  CHECK(has(unfit.err, "domain.name: wanted a value"));
  CHECK(shop.call({"schema", "check"}).exit == 0);
  const std::string broken = shop.folder.file("broken.yaml", "paths: {domain: {requird: [a], type: objct}}\n");
  const Finished bad = shop.call({"schema", "check", broken, "--json"});
  CHECK(bad.exit == 3);
  CHECK(document(bad.out)["error"]["fields"]["findings"].size() == 2);
}

TEST_CASE("a running engine's state can be drafted and checked", "[cli][schema]") {
  Project project;
  const auto call = [&](std::vector<std::string> arguments) {
    return theus(std::move(arguments), {.folder = project.path()});
  };
  CHECK(call({"schema", "gen"}).exit == 0);
  const std::string handle = project.handle();
  CHECK(call({"schema", "check", "--attach", handle}).exit == 0);
}

TEST_CASE("what is secret shows in no difference, and is not got", "[cli][schema][F137]") {
  const Folder folder;
  const std::string schema = folder.file(
      "secret.yaml",
      "paths: {domain.card: {type: object, properties: {number: {type: string, minLength: 6, x-secret: true}}}}\n");
  Project project{{"--schema", schema}};
  const auto watching = project.watch({"domain"});
  CHECK(project.state({"set", "domain.card", R"({"number": "4929-1111", "owner": "Ada"})"}).exit == 0);
  watching->wait_for_out("Ada");
  for (const char* path : {"domain", "domain.card", "domain.card.number"}) {
    const Finished got = project.state({"get", path});
    CHECK(got.exit == 0);
    CHECK(has(got.out, "(secret)"));
    CHECK_FALSE(has(got.out, "4929"));
  }
  const Finished wrong = project.state({"set", "domain.card.number", "4929"});
  CHECK(wrong.exit == 1);
  CHECK(has(wrong.err, "got (secret)"));
  watching->signal(SIGINT);
  const std::string told = watching->finish().out;
  CHECK(has(told, "(secret)"));
  CHECK_FALSE(has(told, "4929"));
}

TEST_CASE("schema code prints a header, or writes it", "[cli][schema]") {
  const Shop shop{
      "paths: {domain: {type: object, required: [sold], properties: {sold: {type: integer, minimum: 0}}}}\n"};
  const Finished printed = shop.call({"schema", "code", "--namespace", "shop"});
  CHECK(printed.exit == 0);
  CHECK(has(printed.out, "struct Domain {\n  std::int64_t sold{};\n};\nTHEUS_FIELDS(Domain, sold)"));
  CHECK(shop.call({"schema", "code", "--namespace", "shop", "--output", "a.hpp"}).exit == 0);
  CHECK(content((shop.folder.path() / "a.hpp").string()) == printed.out);
  CHECK(shop.call({"schema", "code", "--output", "a.hpp"}).exit == 3);
  CHECK(shop.call({"schema", "code", "--namespace", "not a name"}).exit == 1);
}

}  // namespace
}  // namespace theus::testing
