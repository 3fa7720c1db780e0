#pragma once

#include <theus/value.hpp>

namespace theus::testing {

/// Whether the value fits the document of a schema: keyword by keyword as the manual says, on the document itself.
/// Knows no patterns and no references.
bool naive_fits(const Value& schema, const Value& value);

}  // namespace theus::testing
