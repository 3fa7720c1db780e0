#include "runtime/inputs.hpp"

#include "tests/runtime/workflow_fixture.hpp"

#include <theus/json.hpp>

#include <catch2/catch.hpp>

#include <sstream>

namespace theus {
namespace {

using testing::findings_of;
using testing::Folder;

Workflow workflow_in(const Folder& folder, const std::string& inputs) {
  return Workflow::load(folder.write("flow.yaml", "inputs: {" + inputs + "}\nsteps: []\n")).value();
}

Error error_of_loading(const Workflow& workflow, const InputOptions& options = {}) {
  const auto loaded = load_inputs(workflow, options);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code() == Errc::bad_input);
  return loaded.error();
}

TEST_CASE("each format gives its kind of value", "[inputs]") {
  const Folder folder;
  folder.write("t.csv", "from,to\n1,2\n");
  folder.write("data/c.json", "{\"a\": [1, 2.5, null]}");
  folder.write("o.jsonl", "{\"id\": 1}\n\n  \n{\"id\": 2}\r\n");
  folder.write("n.txt", "two\nlines");
  const auto loaded =
      load_inputs(workflow_in(folder,
                              "t: {from: t.csv, into: domain.t}, c: {from: data/c.json, into: domain.c},"
                              "o: {from: o.jsonl, into: domain.o}, n: {from: n.txt, into: domain.n}"))
          .value();
  REQUIRE(loaded.size() == 4);
  CHECK(loaded[0].first == Path{"domain.t"});
  CHECK(loaded[0].second == Value::list({Value{{"from", 1}, {"to", 2}}}));
  CHECK(loaded[1].second == Value{{"a", Value::list({1, 2.5, nullptr})}});
  CHECK(loaded[2].second == Value::list({Value{{"id", 1}}, Value{{"id", 2}}}));
  CHECK(loaded[3].second == Value{"two\nlines"});
}

TEST_CASE("a dash reads the standard input, for one input", "[inputs]") {
  const Folder folder;
  folder.write("b.txt", "file");
  const Workflow workflow =
      workflow_in(folder, "a: {from: '-', into: domain.a, format: jsonl}, b: {from: b.txt, into: domain.b}");
  std::istringstream stream{"1\n2\n"};
  const auto loaded = load_inputs(workflow, {.standard_input = &stream}).value();
  CHECK(loaded[0].second == Value::list({1, 2}));

  std::istringstream again{"1\n"};
  CHECK(error_of_loading(workflow, {.overrides = {{"b", "-"}}, .standard_input = &again}).cause().find("already") !=
        std::string::npos);
}

TEST_CASE("an override names any file; an unknown one is refused with the nearest name", "[inputs]") {
  const Folder folder;
  const Folder elsewhere;
  const auto other = elsewhere.write("x.txt", "other");
  const Workflow workflow = workflow_in(folder, "notes: {from: missing.txt, into: domain.a}");
  CHECK(load_inputs(workflow, {.overrides = {{"notes", other.string()}}}).value()[0].second == Value{"other"});
  const Error error = error_of_loading(workflow, {.overrides = {{"note", other.string()}}});
  CHECK(error.cause().find("no input 'note'") != std::string::npos);
  CHECK(error.remedy() == "Did you mean 'notes'?");
  CHECK(findings_of(error).size() == 2);
}

TEST_CASE("an input cannot leave the folder of its workflow", "[inputs][F73]") {
  const Folder folder;
  const auto secret = folder.write("secret.txt", "secret");
  std::filesystem::create_directories(folder.path() / "in");
  std::filesystem::create_symlink(secret, folder.path() / "in/link.txt");
  std::filesystem::create_symlink("..", folder.path() / "in/up");
  for (const std::string& from :
       {std::string{"../secret.txt"}, secret.string(), std::string{"link.txt"}, std::string{"up/secret.txt"}}) {
    CAPTURE(from);
    const auto file = folder.write("in/flow.yaml", "inputs: {a: {from: '" + from + "', into: domain.a}}\nsteps: []\n");
    const Error error = error_of_loading(Workflow::load(file).value());
    CHECK(error.cause().find("leads out") != std::string::npos);
    CHECK(error.where() == file.string() + ":1:10");
  }
}

TEST_CASE("faults of all inputs are reported at once, at their lines", "[inputs][F65]") {
  const Folder folder;
  const auto csv = folder.write("t.csv", "a,b\n1\n");
  folder.write("o.jsonl", "{\"id\": 1}\n{\"id\": 01}\n");
  folder.write("c.json", "[1,\n 2,]");
  const Error error =
      error_of_loading(workflow_in(folder,
                                   "t: {from: t.csv, into: domain.t}, o: {from: o.jsonl, into: domain.o},"
                                   "c: {from: c.json, into: domain.c}, m: {from: m.txt, into: domain.m}"));
  const Value& findings = *error.field("findings");
  REQUIRE(findings.size() == 4);
  const auto line_in = [&](const std::string& file) {
    for (const Value& finding : findings.items())
      if (const Value& named = finding["file"]; named.as_string() == (folder.path() / file).string())
        return finding["line"].as_int();
    return std::int64_t{0};
  };
  CHECK(line_in("t.csv") == 2);
  CHECK(line_in("o.jsonl") == 2);
  CHECK(line_in("c.json") == 2);
  CHECK(line_in("flow.yaml") == 1);
}

TEST_CASE("inputs are clean UTF-8 texts", "[inputs][F66]") {
  const Folder folder;
  const Workflow workflow = workflow_in(folder, "a: {from: a.txt, into: domain.a}");
  for (const char* content : {"a\xff", "\xef\xbb\xbf,", "a\x1b[31m", "a\u202e"}) {
    folder.write("a.txt", content);
    CHECK(error_of_loading(workflow).code() == Errc::bad_input);
  }
  folder.write("a.txt", "page\fpage\f\fpage");
  CHECK(load_inputs(workflow).ok());
  folder.write("a.txt", "x\n\fa\x01");
  CHECK(error_of_loading(workflow).where() == (folder.path() / "a.txt").string() + ":2:3");
}

TEST_CASE("the bytes of all inputs together are bounded", "[inputs][F63]") {
  const Folder folder;
  folder.write("a.txt", std::string(60, 'a'));
  folder.write("b.txt", std::string(60, 'b'));
  const Workflow both = workflow_in(folder, "a: {from: a.txt, into: domain.a}, b: {from: b.txt, into: domain.b}");
  CHECK(load_inputs(both, {.bytes_max = 120}).ok());
  CHECK(error_of_loading(both, {.bytes_max = 119}).cause().find("more than 59 bytes") != std::string::npos);
  std::istringstream stream{std::string(200, 'x')};
  CHECK(error_of_loading(both, {.overrides = {{"a", "-"}}, .standard_input = &stream, .bytes_max = 100})
            .cause()
            .find("more than 100") != std::string::npos);
}

TEST_CASE("files gives the texts that a pattern matches, sorted by name", "[inputs]") {
  const Folder folder;
  folder.write("docs/b.txt", "second");
  folder.write("docs/a.txt", "first");
  folder.write("docs/c.md", "other");
  folder.write("docs/.hidden.txt", "hidden");
  folder.write("docs/deeper.txt/d.txt", "third");
  const auto texts_of = [&](const std::string& input, const InputOptions& options = {}) {
    return load_inputs(workflow_in(folder, "d: {" + input + ", into: domain.d}"), options).value()[0].second;
  };
  const Value both =
      Value::list({Value{{"name", "a.txt"}, {"text", "first"}}, Value{{"name", "b.txt"}, {"text", "second"}}});
  CHECK(texts_of("from: 'docs/*.txt', format: files") == both);
  CHECK(texts_of("from: 'docs/*.txt'") == both);
  CHECK(texts_of("from: 'docs/[ab].txt', format: files") == both);
  CHECK(texts_of("from: 'docs/c.md', format: files") == Value::list({Value{{"name", "c.md"}, {"text", "other"}}}));
  CHECK(texts_of("from: 'docs/*/*.txt'") == Value::list({Value{{"name", "deeper.txt/d.txt"}, {"text", "third"}}}));

  const Folder elsewhere;
  elsewhere.write("x.txt", "other");
  CHECK(texts_of("from: 'none/*'", {.overrides = {{"d", (elsewhere.path() / "*").string()}}}) ==
        Value::list({Value{{"name", "x.txt"}, {"text", "other"}}}));
}

TEST_CASE("a folder whose name looks like a pattern is taken as it is", "[inputs]") {
  const Folder folder;
  const auto file = folder.write("[x]*/flow.yaml", "inputs: {a: {from: 'd/*', into: domain.a}}\nsteps: []\n");
  folder.write("[x]*/d/a", "text");
  CHECK(load_inputs(Workflow::load(file).value()).value()[0].second ==
        Value::list({Value{{"name", "a"}, {"text", "text"}}}));
}

TEST_CASE("a pattern that matches nothing, and the standard input as files, are refused", "[inputs]") {
  const Folder folder;
  const Workflow workflow = workflow_in(folder, "d: {from: 'docs/*.txt', into: domain.d}");
  CHECK(error_of_loading(workflow).cause().find("'docs/*.txt' cannot be listed: No such file") != std::string::npos);
  std::filesystem::create_directories(folder.path() / "docs/only.txt");
  CHECK(error_of_loading(workflow).cause() == "the input 'd': 'docs/*.txt' matches no file");
  CHECK(error_of_loading(workflow, {.overrides = {{"d", "-"}}}).cause().find("standard input") != std::string::npos);
}

TEST_CASE("the files of a pattern cannot lie outside of the workflow's folder", "[inputs][F73]") {
  const Folder folder;
  const auto secret = folder.write("secret.txt", "secret");
  folder.write("out/secret.txt", "secret");
  std::filesystem::create_directories(folder.path() / "in/links");
  std::filesystem::create_symlink(secret, folder.path() / "in/links/link.txt");
  std::filesystem::create_symlink(folder.path() / "out", folder.path() / "in/out");
  for (const std::string& from : {std::string{"../*.txt"}, (folder.path() / "*.txt").string(), std::string{"links/*"},
                                  std::string{"out/*"}, std::string{"*/../../*.txt"}}) {
    CAPTURE(from);
    const auto file = folder.write("in/flow.yaml", "inputs: {a: {from: '" + from + "', into: domain.a}}\nsteps: []\n");
    const Error error = error_of_loading(Workflow::load(file).value());
    CHECK(error.cause().find("leads out") != std::string::npos);
  }
  // What the user names may lie anywhere, as may what links lead to.
  const auto file = folder.write("in/flow.yaml", "inputs: {a: {from: 'x/*', into: domain.a}}\nsteps: []\n");
  CHECK(load_inputs(Workflow::load(file).value(), {.overrides = {{"a", (folder.path() / "in/links/*").string()}}})
            .value()[0]
            .second[0]["text"] == Value{"secret"});
}

TEST_CASE("what is wrong with files of a pattern is told of each by its name", "[inputs][F66]") {
  const Folder folder;
  folder.write("d/a", "good");
  folder.write("d/b", "bad \xff");
  folder.write("d/c", "a\x1b[31m");
  folder.write("d/e\xff", "named badly");
  const Error error = error_of_loading(workflow_in(folder, "d: {from: 'd/*', into: domain.d}"));
  const std::string text = to_json(*error.field("findings"));
  const std::string in = folder.path().string() + "/d/";
  CHECK(findings_of(error).size() == 3);
  CHECK(text.find(in + "a\"") == std::string::npos);
  CHECK(text.find(in + "b\"") != std::string::npos);
  CHECK(text.find(in + "c\"") != std::string::npos);
  CHECK(text.find("is not plain UTF-8") != std::string::npos);
}

TEST_CASE("the files of a pattern are bounded in number and bytes, each and together", "[inputs][F63]") {
  const Folder folder;
  for (const char* name : {"d/a", "d/b", "d/c"})
    folder.write(name, std::string(40, 'x'));
  const Workflow workflow = workflow_in(folder, "d: {from: 'd/*', into: domain.d}");
  CHECK(load_inputs(workflow, {.bytes_max = 120, .files_max = 3, .file_bytes_max = 40}).ok());
  const auto cause = [&](const InputOptions& options) { return error_of_loading(workflow, options).cause(); };
  CHECK(cause({.files_max = 2}).find("matches 3 files, more than 2") != std::string::npos);
  CHECK(cause({.file_bytes_max = 39}).find("'d/a' has more than 39 bytes") != std::string::npos);
  CHECK(cause({.bytes_max = 119}).find("'d/c' has more than 39 bytes") != std::string::npos);
}

}  // namespace
}  // namespace theus
