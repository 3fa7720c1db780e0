#pragma once

#include <theus/value.hpp>

#include <string>

namespace theus::cli {

/// JSON, or a word that cannot be meant as JSON.
Result<Value> json_or_word(const std::string& text);

/// What is wrong with such an argument, as CLI11 asks for it; nothing for a good one.
std::string wrong_with_json(const std::string& text);

}  // namespace theus::cli
