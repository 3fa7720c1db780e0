// Made by `theus schema code`; changes belong into the schema.
// clang-format off
#pragma once

#include <theus/fields.hpp>
#include <theus/state_schema.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace theus::testing::shop {

struct DomainShopOrdersItemLinesItem {
  std::optional<std::string> sku;
  std::optional<std::int64_t> count;
};
THEUS_FIELDS(DomainShopOrdersItemLinesItem, sku, count)
THEUS_CONSTRAINTS(DomainShopOrdersItemLinesItem,
                  {"sku", R"({"type":"string"})"},
                  {"count", R"({"type":"integer"})"})

struct DomainShopOrdersItem {
  std::int64_t id{};
  std::optional<double> paid;
  std::vector<DomainShopOrdersItemLinesItem> lines;
};
THEUS_FIELDS(DomainShopOrdersItem, id, paid, lines)
THEUS_CONSTRAINTS(DomainShopOrdersItem,
                  {"id", R"({"minimum":1})"},
                  {"paid", R"({"type":"number","multipleOf":0.01})"},
                  {"", R"({"additionalProperties":true})"})

struct DomainShop {
  std::optional<theus::Value> odd;
  std::optional<std::vector<std::byte>> blob;
  std::optional<theus::Value> kind;
  std::string name;
  std::optional<std::string> note;
  std::optional<bool> open;
  std::optional<theus::Value> root;
  std::optional<std::string> state;
  std::optional<theus::Value> either;
  std::vector<DomainShopOrdersItem> orders;
  std::optional<std::string> secret;
  theus::Value nothing;
  std::optional<theus::Value> anything;
  std::optional<theus::Value> position;
  std::map<std::string, double> settings;
};
THEUS_FIELDS(DomainShop, odd, blob, kind, name, note, open, root, state, either, orders, secret, nothing, anything, position, settings)
THEUS_CONSTRAINTS(DomainShop,
                  {"odd", R"({"type":"object","properties":{"class":{"type":"string"},"two words":{"type":"integer"}}})"},
                  {"blob", R"({"type":"bytes"})"},
                  {"kind", R"({"enum":["small","large",3]})"},
                  {"name", R"({"pattern":"^[^\"]*$","maxLength":80,"minLength":1})"},
                  {"note", R"({"maxLength":200})"},
                  {"open", R"({"type":"boolean","default":false})"},
                  {"root", R"({"$ref":"#/definitions/category"})"},
                  {"state", R"({"enum":["open","closed"],"type":"string"})"},
                  {"either", R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"integer"},"uniqueItems":true}]})"},
                  {"orders", R"({"minItems":1})"},
                  {"secret", R"({"type":"string","x-secret":true})"},
                  {"nothing", R"({"type":["integer","null"]})"},
                  {"position", R"({"type":"array","items":[{"type":"real"},{"type":"real"}],"additionalItems":false})"},
                  {"settings", R"({"maxProperties":20})"},
                  {"", R"({"title":"a shop","definitions":{"category":{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1},"below":{"type":"array","items":{"$ref":"#/definitions/category"}}}}}})"})

/// The schema of the whole state.
inline theus::StateSchema context_schema() {
  theus::StateSchema schema{3};
  schema.at(R"(domain.balance)", theus::Schema::parse(R"({"type":"integer","minimum":0})").value());
  schema.at(R"(domain.rate)", theus::Schema::parse(R"({"type":"number","description":"of one day","exclusiveMaximum":1,"exclusiveMinimum":0})").value());
  schema.at(R"(domain.root)", theus::Schema::parse(R"({"$ref":"#/definitions/category","definitions":{"category":{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1},"below":{"type":"array","items":{"$ref":"#/definitions/category"}}}}}})").value());
  schema.at(R"(domain.shop)", theus::Schema::of<DomainShop>());
  schema.rule(R"(the balance covers the rate)", theus::Expression::compile(R"(domain.balance > domain.rate)").value());
  return schema;
}

}  // namespace theus::testing::shop
