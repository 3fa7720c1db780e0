#pragma once

#include "runtime/yaml/node.hpp"

#include <theus/result.hpp>

#include <string_view>

namespace theus {

/// A JSON text as the nodes of a document, with their places: one loader then reads YAML and JSON. Errors as
/// parse_json().
Result<yaml::Node> json_nodes(std::string_view text);

}  // namespace theus
