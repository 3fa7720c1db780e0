#include "runtime/yaml/reader.hpp"

#include "runtime/yaml/field_reader.hpp"

#include <theus/value.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace theus::yaml {
namespace {

Result<Node> read_text(std::string_view text) { return read(text, {.file = "flow.yaml"}); }

struct Place {
  std::int64_t line;
  std::int64_t column;
  friend bool operator==(const Place&, const Place&) = default;
};

std::vector<Place> places(const Error& error) {
  std::vector<Place> all;
  for (const Value& finding : error.field("findings")->items())
    all.push_back({finding["line"].as_int(), finding["column"].as_int()});
  return all;
}

Error error_in(std::string_view text) {
  INFO(text);
  const auto node = read_text(text);
  REQUIRE_FALSE(node.ok());
  return node.error();
}

TEST_CASE("a document becomes a tree that knows the place of every node and key", "[yaml]") {
  const Node root =
      read_text("größe: 1\nsteps:\n  - load\n  - process: 'x y'\n    note: |\n      two\n      lines\n").value();
  REQUIRE(root.is_map());
  const Node& steps = root.find("steps")->node;
  CHECK(root.find("größe")->node.at.column == 8);
  CHECK(root.find("steps")->at.line == 2);
  REQUIRE(steps.items.size() == 2);
  CHECK(steps.items[0].plain);
  CHECK(steps.items[0].at.line == 3);
  CHECK(steps.items[0].at.column == 5);
  const Node& process = steps.items[1].find("process")->node;
  CHECK(process.text == "x y");
  CHECK_FALSE(process.plain);
  CHECK(process.content_at.column == process.at.column + 1);
  const Node& note = steps.items[1].find("note")->node;
  CHECK(note.text == "two\nlines\n");
  CHECK(note.content_at.line == 6);
  CHECK(note.content_at.column == 7);
}

TEST_CASE("an absent value stands where it was left out", "[yaml]") {
  const Node root = read_text("- \n- a:\n\n  b: ~\n").value();
  CHECK(root.items[0].at.line == 1);
  const Node& map = root.items[1];
  CHECK(map.find("a")->node.at.line == 2);
  CHECK(map.find("b")->node.at.column == 6);
}

TEST_CASE("places are right in a file of one long line", "[yaml][F63]") {
  std::string line = "{é0: 1";
  for (int i = 1; i < 20'000; ++i)
    line += ", k" + std::to_string(i) + ":  ";
  const Node root = read_text(line + "}").value();
  const Field& last = root.members.back();
  CHECK(static_cast<std::size_t>(last.at.column) == line.rfind('k'));  // one more for counting from 1, one less for é
  CHECK(last.node.at.column == last.at.column + 6);
}

TEST_CASE("an empty text is a null node", "[yaml]") {
  CHECK(read_text("")->kind == Node::Kind::null);
  CHECK(read_text("# only a comment\n")->kind == Node::Kind::null);
}

TEST_CASE("anchors and aliases are refused, so no alias can multiply", "[yaml][F60]") {
  const std::string bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
  const Error error = error_in(bomb);
  CHECK(error.code() == Errc::bad_workflow);
  CHECK(places(error) == std::vector<Place>{{1, 4}, {2, 4}, {2, 8}, {2, 12}, {3, 5}, {3, 9}});
  CHECK(places(error_in("a: *missing")) == std::vector<Place>{{1, 4}});
}

TEST_CASE("an alias to what holds it is refused", "[yaml][F61]") {
  CHECK(places(error_in("a: &a {b: *a}")) == std::vector<Place>{{1, 4}, {1, 11}});
}

TEST_CASE("tags, merge keys, and keys that are no texts are refused", "[yaml]") {
  CHECK(places(error_in("a: !!int 3\nb: ! x\n!t c: 1\n")) == std::vector<Place>{{1, 4}, {2, 4}, {3, 1}});
  CHECK(error_in("a: !!python/object:os.system ls").cause().starts_with("tags"));
  CHECK(error_in("<<: {a: 1}").cause().starts_with("merge"));
  CHECK(error_in("? [a]\n: 1").cause().starts_with("a key"));
  CHECK(error_in(": 1").cause().starts_with("a key"));
}

TEST_CASE("duplicate keys are refused at any depth", "[yaml][F64]") {
  const Error error = error_in("a: 1\nb: {c: 1, c: 2}\na: 2\n");
  CHECK(places(error) == std::vector<Place>{{2, 11}, {3, 1}});
  CHECK(error.remedy().find("line 2") != std::string::npos);
  CHECK(error.cause().find("first of 2 findings") != std::string::npos);
}

TEST_CASE("a file holds one document", "[yaml]") {
  CHECK(error_in("a: 1\n---\nb: 2\n").code() == Errc::bad_workflow);
  CHECK(read_text("---\na: 1\n...\n").ok());
}

TEST_CASE("errors of syntax carry their place", "[yaml]") {
  CHECK(places(error_in("a: 1\nb: [1, 2\nc: 3\n")).size() == 1);
  CHECK(places(error_in("a: ]")) == std::vector<Place>{{1, 4}});
  CHECK(error_in("a: ]").text().starts_with("bad_workflow at flow.yaml:1:4: "));
}

TEST_CASE("what would keep the parser busy for ever ends by the caps", "[yaml][F62]") {
  CHECK(error_in(",t").code() == Errc::bad_workflow);
  const char* unit = GENERATE(",t", ",", "[", "{", "- ", "? ", "[]", "|\n", "---\n", "&a ", "{: ", "[a,", "a: \"\n",
                              "\"\" ", "%Y\n- ");
  std::string text;
  while (text.size() < 20'000)
    text += unit;
  CAPTURE(unit);
  CHECK_FALSE(read_text(text).ok());
}

TEST_CASE("bytes, nodes and depth of a file are bounded", "[yaml][F63]") {
  CHECK(error_in(std::string((1 << 20) + 1, ' ')).cause().find("1048576") != std::string::npos);
  std::string wide;
  for (int i = 0; i < 100'001; ++i)
    wide += "- a\n";
  CHECK(error_in(wide).cause().find("100000") != std::string::npos);
  CHECK(read_text(std::string(64, '[') + std::string(64, ']')).ok());
  CHECK(error_in(std::string(65, '[') + std::string(65, ']')).cause().find("64") != std::string::npos);
}

TEST_CASE("bytes that are no clean UTF-8 text are refused and shown escaped", "[yaml][F66]") {
  for (const char* text : {"a: \xff", "a: \xc3", "\xef\xbb\xbf: 1", "a: \x01", "a: \x1b[31m", "a: \u202e", "a: \u2066x",
                           "a: b\x7f", "a\xef\xbb\xbf: 1"})
    CHECK(error_in(text).code() == Errc::bad_workflow);
  CHECK(error_in(std::string{"a: \0b", 5}).code() == Errc::bad_workflow);
  CHECK(places(error_in("a: 1\nbé: \xff")) == std::vector<Place>{{2, 5}});
  CHECK(read_text("a: größe 中文 🙂\r\nb:\t1\r\n").ok());
}

TEST_CASE("control characters of a file's texts do not reach the terminal", "[yaml][F75]") {
  const Error error = error_in("\"a\\e[31m\": 1\n\"a\\e[31m\": 2\n");
  CHECK(error.text().find('\x1b') == std::string::npos);
  CHECK(error.text().find("\\x1b") != std::string::npos);
}

TEST_CASE("plain scalars have one reading, quoted ones are texts", "[yaml][F67]") {
  Findings findings;
  FieldReader reader{"f", findings};
  const Node root = read_text("[1, -2.5, true, False, ~, null, abc, '1', \"true\", 2024-01-01, 50ms, yes]").value();
  Value values = Value::list();
  for (const Node& item : root.items)
    values.push_back(reader.scalar(item).value());
  CHECK(values == Value::list({1, -2.5, true, false, {}, {}, "abc", "1", "true", "2024-01-01", "50ms", "yes"}));
  CHECK(findings.empty());

  const Node odd = read_text("[0x1F, 017, +1, .5, 1_000, .inf, .nan, 1e400, 99999999999999999999]").value();
  for (const Node& item : odd.items)
    CHECK_FALSE(reader.scalar(item).has_value());
  CHECK(findings.count() == odd.items.size());
}

TEST_CASE("typed fields refuse other types and say what they want", "[yaml][F65]") {
  Findings findings;
  FieldReader reader{"f", findings};
  const Node root = read_text("{n: 5, d: 250ms, h: 2h, t: x, e: '', l: [a], bad: 5d, big: 99h}").value();
  const auto at = [&](std::string_view key) -> const Node& { return root.find(key)->node; };
  using std::chrono::milliseconds;
  CHECK(reader.integer(at("n"), "n", 1, 5) == 5);
  CHECK(reader.duration(at("d"), "d", std::chrono::hours{24}) == milliseconds{250});
  CHECK(reader.duration(at("h"), "h", std::chrono::hours{24}) == std::chrono::hours{2});
  CHECK(reader.text(at("t"), "t") == "x");
  CHECK(reader.list(at("l"), "l"));
  CHECK(findings.empty());

  CHECK_FALSE(reader.integer(at("n"), "n", 6, 9));
  CHECK_FALSE(reader.integer(at("t"), "t", 0, 9));
  CHECK_FALSE(reader.duration(at("bad"), "bad", std::chrono::hours{24}));
  CHECK_FALSE(reader.duration(at("big"), "big", std::chrono::hours{24}));
  CHECK_FALSE(reader.duration(at("n"), "n", std::chrono::hours{24}));
  CHECK_FALSE(reader.text(at("e"), "e"));
  CHECK_FALSE(reader.text(at("l"), "l"));
  CHECK_FALSE(reader.list(at("t"), "t"));
  CHECK(findings.count() == 8);
}

TEST_CASE("any bytes give a tree or an error with findings", "[yaml][F62][random]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  const std::string valid =
      "inputs:\n  a: {from: x.csv, into: domain.a}\nsteps:\n  - load\n  - flux: if\n    condition: \"a > 1\"\n    "
      "then: [x, 'y']\n";
  const std::string_view bytes = "abc:,-?[]{}#&*!|>'\"%@` \n\t\\0~.<\xc3\xa9\xff";
  for (int round = 0; round < 400; ++round) {
    std::string text = random() % 2 == 0 ? valid : std::string{};
    for (auto edits = random() % 20 + 1; edits > 0; --edits) {
      const auto at = static_cast<std::ptrdiff_t>(random() % (text.size() + 1));
      if (random() % 3 == 0 && static_cast<std::size_t>(at) < text.size())
        text.erase(text.begin() + at);
      else
        text.insert(text.begin() + at, bytes[random() % bytes.size()]);
    }
    const auto node = read_text(text);
    CAPTURE(text);
    CHECK((node.ok() || node.error().field("findings")->size() > 0));
  }
}

}  // namespace
}  // namespace theus::yaml
