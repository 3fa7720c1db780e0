#include "benchmarks/schema.hpp"

#include <memory>
#include <stdexcept>

#include <rapidjson/document.h>
#include <rapidjson/schema.h>

namespace theus::bench {
namespace {

/// A document and a validator that is kept and reset between checks, which is the cheapest way that rapidjson has.
struct RapidJson {
  RapidJson() {
    rules.Parse(three_fields_schema);
    document.Parse(three_fields_value);
    schema = std::make_unique<rapidjson::SchemaDocument>(rules);
    validator = std::make_unique<rapidjson::SchemaValidator>(*schema);
    rapidjson::Document wrong;
    wrong.Parse(R"({"id": 0})");
    if (!check(document) || check(wrong))
      throw std::logic_error{"rapidjson does not do what is measured"};
  }

  bool check(const rapidjson::Document& value) {
    validator->Reset();
    return value.Accept(*validator);
  }

  rapidjson::Document rules;
  rapidjson::Document document;
  std::unique_ptr<rapidjson::SchemaDocument> schema;
  std::unique_ptr<rapidjson::SchemaValidator> validator;
};

}  // namespace

void add_packaged_schema_peers(Case& subject) {
  constexpr double nanoseconds_per_second = 1e9;
  subject.optional_peer("rapidjson", [peer = std::make_shared<RapidJson>()] {
    return nanoseconds_per_second / per_second([&] { keep(peer->check(peer->document)); });
  });
}

}  // namespace theus::bench
