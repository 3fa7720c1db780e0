#pragma once

#include "runtime/findings.hpp"
#include "runtime/yaml/node.hpp"

#include <theus/schema.hpp>

namespace theus {

/// The schema's document in its one form; see Schema::document().
Value normalised_schema(const Value& document);

/// Whether the document refers to definitions anywhere.
bool has_references(const Value& document);

/// The nodes of a text: JSON when it begins with { or [, else YAML.
Result<yaml::Node> schema_nodes(std::string_view text, std::string_view file);

/// Compiles the node. `shared` has further definitions, or is nullptr. Nothing when there were findings.
std::optional<Schema> compile_schema(const yaml::Node& node, const yaml::Node* shared, std::string_view file,
                                     Findings& findings);

}  // namespace theus
