#include <theus/describe.hpp>
#include <theus/errors.hpp>
#include <theus/json.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <unordered_map>

namespace shop {

enum class Status { open, paid, sent };
THEUS_ENUM(Status, open, paid, sent)

struct Line {
  std::string sku;
  std::uint8_t quantity = 0;
  double price = 0;
  friend bool operator==(const Line&, const Line&) = default;
};
THEUS_FIELDS(Line, sku, quantity, price)

struct Order {
  std::int64_t id = 0;
  Status status = Status::open;
  std::vector<Line> lines;
  std::map<std::string, int> tags;
  std::optional<std::string> note;
  std::array<int, 2> size{};
  std::pair<std::string, bool> flag;
  theus::Value extra;
  friend bool operator==(const Order&, const Order&) = default;
};

struct Gift : Order {
  std::string to;
};

struct Tree {
  int value = 0;
  std::vector<Tree> children;
};
THEUS_FIELDS(Tree, value, children)

}  // namespace shop

// Outside of the struct's namespace, and of an inherited member.
THEUS_FIELDS(shop::Order, id, status, lines, tags, note, size, flag, extra)
THEUS_FIELDS(shop::Gift, id, to)

namespace theus {
namespace {

struct Wide {
  int a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0, a6 = 0, a7 = 0, a8 = 0, a9 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0,
      b4 = 0, b5 = 0, b6 = 0, b7 = 0, b8 = 0, b9 = 0, c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0, c6 = 0, c7 = 0,
      c8 = 0, c9 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0, d4 = 0, d5 = 0, d6 = 0, d7 = 0, d8 = 0, d9 = 0, e0 = 0, e1 = 0,
      e2 = 0, e3 = 0, e4 = 0, e5 = 0, e6 = 0, e7 = 0, e8 = 0, e9 = 0, f0 = 0, f1 = 0, f2 = 0, f3 = 0, f4 = 0, f5 = 0,
      f6 = 0, f7 = 0, f8 = 0, f9 = 0, g0 = 0, g1 = 0, g2 = 0, g3 = 0;
};
THEUS_FIELDS(Wide, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4,
             c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1,
             f2, f3, f4, f5, f6, f7, f8, f9, g0, g1, g2, g3)

shop::Order sample() {
  return {.id = 7,
          .status = shop::Status::paid,
          .lines = {{"a-1", 2, 9.5}, {"b-2", 1, 0.25}},
          .tags = {{"rush", 1}, {"eu", 2}},
          .note = "leave at the door",
          .size = {3, 4},
          .flag = {"x", true},
          .extra = Value::list({1, nullptr})};
}

Error refusal(const Value& value) {
  const auto order = value.get<shop::Order>();
  REQUIRE_FALSE(order.ok());
  CHECK(order.error().code() == Errc::bad_argument);
  return order.error();
}

TEST_CASE("a struct becomes a map with its fields and comes back equal", "[fields]") {
  const Value value = to_value(sample());
  CHECK(to_json(value) ==
        R"({"id":7,"flag":["x",true],"note":"leave at the door","size":[3,4],"tags":{"eu":2,"rush":1},)"
        R"("extra":[1,null],"lines":[{"sku":"a-1","price":9.5,"quantity":2},)"
        R"({"sku":"b-2","price":0.25,"quantity":1}],"status":"paid"})");
  CHECK(value.get<shop::Order>().value() == sample());
  shop::Gift gift;
  gift.id = 3;
  gift.to = "Ann";
  CHECK(to_value(gift) == Value{{"id", 3}, {"to", "Ann"}});
}

TEST_CASE("an empty optional field is not written, and may be absent or null", "[fields]") {
  shop::Order order = sample();
  order.note.reset();
  Value value = to_value(order);
  CHECK_FALSE(value.contains("note"));
  CHECK(value.get<shop::Order>().value() == order);
  value.set("note", nullptr);
  CHECK(value.get<shop::Order>().value() == order);
}

TEST_CASE("a missing, unknown or wrong field is an error that names its full path", "[fields]") {
  const Value good = to_value(sample());
  const auto with_line = [&](const Value& line) {
    Value value = good;
    value.set("lines", Value::list({good["lines"][0], line}));
    return value;
  };
  Value line = good["lines"][1];

  line.erase("price");
  Error error = refusal(with_line(line));
  CHECK(error.text() == "bad_argument at lines[1].price: this field of Line is missing");
  CHECK(*error.field("path") == Value{"lines[1].price"});

  line.set("prize", 1.0);
  line.set("price", 1.0);
  error = refusal(with_line(line));
  CHECK(error.where() == "lines[1].prize");
  CHECK(error.cause() == "Line has no such field");
  CHECK(error.remedy() == "Did you mean 'price'?");

  line.erase("prize");
  line.set("quantity", 256);
  CHECK(refusal(with_line(line)).text() == "bad_argument at lines[1].quantity: the number 256 is out of range");
  line.set("quantity", 2.0);
  error = refusal(with_line(line));
  CHECK(error.text() == "bad_argument at lines[1].quantity: wanted integer, found real");
  CHECK(*error.field("wanted") == Value{"integer"});

  Value value = good;
  value.set("tags", Value{{"odd key", "x"}, {"a.b", 1}});
  CHECK(refusal(value).where() == "tags.odd key");
  value.set("tags", Value{{"a.b", "x"}});
  CHECK(refusal(value).where() == "tags['a.b']");
  value = good;
  value.set("size", Value::list({1, 2, 3}));
  CHECK(refusal(value).text() == "bad_argument at size: wanted 2 elements, found 3");
  value = good;
  value.set("flag", Value::list({"x", 1}));
  CHECK(refusal(value).where() == "flag[1]");
  value = good;
  value.set("status", "payd");
  CHECK(refusal(value).text() == "bad_argument at status: 'payd' is no Status. Did you mean 'paid'?");
  CHECK(Value{3}.get<shop::Order>().error().cause() == "wanted map, found integer");
}

TEST_CASE("an enumerator without a name cannot be written", "[fields]") {
  CHECK(to_value(shop::Status::sent) == Value{"sent"});
  CHECK_THROWS_AS(to_value(static_cast<shop::Status>(9)), LogicError);
}

TEST_CASE("a struct may have 64 fields", "[fields]") {
  Wide wide;
  wide.g3 = 64;
  const Value value = to_value(wide);
  CHECK(value.size() == 64);
  CHECK(value.get<Wide>().value().g3 == 64);
}

TEST_CASE("a struct may contain its own kind", "[fields]") {
  const shop::Tree tree{1, {{2, {}}, {3, {{4, {}}}}}};
  const auto back = to_value(tree).get<shop::Tree>().value();
  CHECK(back.children[1].children[0].value == 4);
}

TEST_CASE("describe lists the fields of a struct with their kinds", "[fields]") {
  const Shape shape = describe<shop::Order>();
  CHECK(shape.type == "shop::Order");
  CHECK(shape.kind == Value::Kind::map);
  std::map<std::string, Shape> fields;
  for (const auto& [name, field] : shape.fields)
    fields.emplace(name, field);
  CHECK(fields.size() == 8);
  CHECK(fields["id"].kind == Value::Kind::integer);
  CHECK(fields["status"].names == std::vector<std::string>{"open", "paid", "sent"});
  CHECK(fields["lines"].items[0].fields[1].shape.greatest == 255);
  CHECK(fields["lines"].items[0].fields[1].shape.least == 0);
  CHECK(fields["tags"].kind == Value::Kind::map);
  CHECK(fields["note"].is_optional);
  CHECK(fields["size"].length == 2U);
  CHECK(fields["flag"].items[1].kind == Value::Kind::boolean);
  CHECK_FALSE(fields["extra"].kind.has_value());
}

TEST_CASE("describe ends at a struct that contains itself", "[fields]") {
  const Shape shape = describe<shop::Tree>();
  const Shape& child = shape.fields[1].shape.items[0];
  CHECK(child.is_recursive);
  CHECK(child.type == "Tree");
  CHECK(child.fields.empty());
}

TEST_CASE("containers of the standard library become lists and maps and come back", "[convert]") {
  const auto same = [](const auto& object) {
    return to_value(object).template get<std::remove_cvref_t<decltype(object)>>().value() == object;
  };
  CHECK(same(std::unordered_map<std::string, std::vector<bool>>{{"a", {true, false}}, {"b", {}}}));
  CHECK(same(std::tuple<int, std::string, std::optional<double>>{1, "x", {}}));
  CHECK(same(std::tuple<>{}));
  CHECK(same(std::vector<std::byte>{std::byte{1}, std::byte{0}}));
  CHECK(same(HeavyRef{{1, 2, 3}}));
  CHECK(same(std::map<std::string, std::map<std::string, float>>{{"a", {{"b", 0.1F}}}}));
  const int numbers[] = {1, 2, 3};
  CHECK(to_value(std::span{numbers}) == Value::list({1, 2, 3}));
}

TEST_CASE("a number that its type cannot hold is refused", "[convert]") {
  CHECK(Value{-1}.get<unsigned>().error().cause() == "the number -1 is out of range");
  CHECK(Value{1e300}.get<float>().error().cause() == "the number 1e+300 is out of range");
  CHECK(Value{0.1}.get<float>().value() == 0.1F);
  CHECK(std::isinf(Value{std::numeric_limits<double>::infinity()}.get<float>().value()));
}

}  // namespace
}  // namespace theus
