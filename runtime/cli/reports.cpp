#include "runtime/cli/reports.hpp"

#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <fmt/format.h>

namespace theus::cli {

Value data_of(const Error& error) {
  return {{"error",
           {{"code", to_string(error.code())},
            {"where", error.where()},
            {"cause", error.cause()},
            {"remedy", error.remedy()},
            {"fields", error.fields()}}}};
}

namespace {

/// A line for each, as to_text() would write them.
std::string lines_of(const Value& differences) {
  constexpr std::size_t lines_max = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(differences.size(), lines_max); ++i) {
    const Value& each = differences[i];
    const std::string path = escaped(each["path"].get<std::string>().value_or(""));
    const Value* before = each.find("before");
    const Value* after = each.find("after");
    if (before != nullptr && after != nullptr)
      text += fmt::format("\n  ~ {}: {} -> {}", path, to_json(*before), to_json(*after));
    else if (before != nullptr)
      text += fmt::format("\n  - {} = {}", path, to_json(*before));
    else if (after != nullptr)
      text += fmt::format("\n  + {} = {}", path, to_json(*after));
  }
  if (differences.size() > lines_max)
    text += fmt::format("\n  and {} more; --json shows them", differences.size() - lines_max);
  return text;
}

}  // namespace

std::string text_of(const Error& error, const Console& console) {
  std::string text = console.red("error:") + " " + error.text();
  if (const Value* differences = error.field("diff"))
    text += lines_of(*differences);
  if (const Value* violations = error.field("violations"); violations != nullptr && violations->size() > 1)
    for (const Value& each : violations->items())
      text += fmt::format("\n  {}: wanted {}, got {}", escaped(each["path"].get<std::string>().value_or("")),
                          escaped(each["wanted"].get<std::string>().value_or("")), escaped(to_json(each["got"])));
  const Value* findings = error.field("findings");
  if (findings == nullptr)
    return text;
  for (const Value& finding : findings->items()) {
    const auto part = [&](const char* name) { return escaped(finding[name].get<std::string>().value_or("")); };
    const auto number = [&](const char* name) { return finding[name].get<int>().value_or(0); };
    text += fmt::format("\n  {}:{}:{}: {}", part("file"), number("line"), number("column"), part("cause"));
    if (const std::string suggestion = part("suggestion"); !suggestion.empty())
      text += ". " + suggestion;
  }
  return text;
}

std::string text_of(const LogEntry& entry) {
  const std::string fields = entry.fields.empty() ? "" : " " + to_json(entry.fields);
  return fmt::format("{} {}: {}{}", to_string(entry.level), escaped(entry.process), escaped(entry.text), fields);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts)
    line += (line.empty() ? "" : ", ") + escaped(text);
  return line.empty() ? "-" : line;
}

}  // namespace theus::cli
