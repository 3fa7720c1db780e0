#include "tests/runtime/context_schema.hpp"

#include <theus/json.hpp>

#include <catch2/catch.hpp>

#include <fstream>

namespace theus {
namespace {

constexpr const char* folder = THEUS_SOURCE_DIR "/tests/runtime/";

StateSchema loaded() { return StateSchema::load(std::string{folder} + "context_schema.yaml").value(); }

TEST_CASE("the code of a schema is as recorded, and this test is compiled with it", "[schema]") {
  std::ifstream file{std::string{folder} + "context_schema.hpp"};
  const std::string recorded{std::istreambuf_iterator<char>{file}, {}};
  const std::string now = schema_code(loaded(), "theus::testing::shop").value();
  if (now != recorded)
    std::ofstream{THEUS_BINARY_DIR "/context_schema.hpp"} << now;  // for a look at the difference
  CHECK(now == recorded);
}

TEST_CASE("a schema becomes code and the same schema again", "[schema]") {
  const StateSchema schema = loaded();
  const StateSchema again = testing::shop::context_schema();
  CHECK(to_json(again.document(), 2) == to_json(schema.document(), 2));
  CHECK(again.schemas() == schema.schemas());
  CHECK(again.version() == schema.version());
}

TEST_CASE("the structs of a schema hold what it takes", "[schema]") {
  using namespace testing::shop;
  DomainShop shop;
  shop.name = "Ada's";
  shop.settings = {{"discount", 0.1}};
  shop.orders.push_back({.id = 7, .paid = 1.25, .lines = {{.sku = "x", .count = 2}}});
  const Schema schema = loaded().schemas().at("domain.shop");
  CHECK(schema.check(to_value(shop)).ok());
  CHECK(to_value(to_value(shop).get<DomainShop>().value()) == to_value(shop));
  shop.orders[0].id = 0;
  CHECK_FALSE(schema.fits(to_value(shop)));
}

TEST_CASE("names that C++ cannot have are refused or avoided", "[schema]") {
  CHECK(schema_code(StateSchema{}, "class").error().code() == Errc::bad_argument);
  CHECK(schema_code(StateSchema{}, "a::").ok());
  const StateSchema schema =
      StateSchema::parse("paths: {domain.a: {type: object, properties: {int: {type: integer}}}}").value();
  CHECK(schema_code(schema, "").value().find("struct") == std::string::npos);
}

}  // namespace
}  // namespace theus
