#include "benchmarks/schema.hpp"

#include <memory>
#include <stdexcept>

#include <rapidjson/document.h>
#include <rapidjson/schema.h>

namespace theus::bench {
namespace {

/// A parsed document, and a validator: kept and reset between checks, which is the cheapest way that rapidjson has, or
/// made for each document, as its manual shows.
struct RapidJson {
  RapidJson() {
    rules.Parse(three_fields_schema);
    document.Parse(three_fields_value);
    schema = std::make_unique<rapidjson::SchemaDocument>(rules);
    validator = std::make_unique<rapidjson::SchemaValidator>(*schema);
    rapidjson::Document wrong;
    wrong.Parse(R"({"id": 0})");
    if (!check(document) || check(wrong) || !check_anew(document) || check_anew(wrong))
      throw std::logic_error{"rapidjson does not do what is measured"};
  }

  bool check(const rapidjson::Document& value) {
    validator->Reset();
    return value.Accept(*validator);
  }

  bool check_anew(const rapidjson::Document& value) const {
    rapidjson::SchemaValidator once{*schema};
    return value.Accept(once);
  }

  rapidjson::Document rules;
  rapidjson::Document document;
  std::unique_ptr<rapidjson::SchemaDocument> schema;
  std::unique_ptr<rapidjson::SchemaValidator> validator;
};

}  // namespace

void add_packaged_schema_peers(Case& subject) {
  constexpr double nanoseconds_per_second = 1e9;
  const auto peer = std::make_shared<RapidJson>();
  subject.optional_peer("rapidjson kept", [peer] {
    return nanoseconds_per_second / per_second([&] { keep(peer->check(peer->document)); });
  });
  subject.optional_peer("rapidjson anew", [peer] {
    return nanoseconds_per_second / per_second([&] { keep(peer->check_anew(peer->document)); });
  });
}

}  // namespace theus::bench
