#pragma once

#include "benchmarks/harness.hpp"

namespace theus::bench {

/// What both sides check: an object of three fields, each with a bound.
inline constexpr const char* three_fields_schema = R"({
  "type": "object",
  "required": ["id", "amount", "customer"],
  "additionalProperties": false,
  "properties": {
    "id": {"type": "integer", "minimum": 1},
    "amount": {"type": "number", "minimum": 0, "maximum": 1000000},
    "customer": {"type": "string", "minLength": 1, "maxLength": 40}}})";
inline constexpr const char* three_fields_value = R"({"id": 4711, "amount": 99.5, "customer": "Ada Lovelace"})";

/// The peers that need packages of their own: rapidjson.
void add_packaged_schema_peers(Case& subject);

}  // namespace theus::bench
