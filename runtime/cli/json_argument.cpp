#include "runtime/cli/json_argument.hpp"

#include <theus/json.hpp>

namespace theus::cli {

Result<Value> json_or_word(const std::string& text) {
  constexpr std::string_view openings = "{[\"";
  auto value = parse_json(text);
  const bool is_word = text.empty() || openings.find(text.front()) == std::string_view::npos;
  return !value && is_word ? Result<Value>{text} : value;
}

std::string wrong_with_json(const std::string& text) {
  const auto value = json_or_word(text);
  return value ? "" : "the value is no JSON: " + value.error().cause();
}

}  // namespace theus::cli
