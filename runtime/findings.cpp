#include "runtime/findings.hpp"

#include <theus/value.hpp>

#include <algorithm>
#include <tuple>

namespace theus {
namespace {

Value to_map(const Finding& finding) {
  return Value{{"file", finding.file},
               {"line", finding.at.line},
               {"column", finding.at.column},
               {"cause", finding.cause},
               {"suggestion", finding.suggestion}};
}

Finding from_map(const Value& map) {
  const Value& file = map["file"];
  const Value& cause = map["cause"];
  const Value& suggestion = map["suggestion"];
  return {std::string{file.as_string()},
          {static_cast<int>(map["line"].as_int()), static_cast<int>(map["column"].as_int())},
          std::string{cause.as_string()},
          std::string{suggestion.as_string()}};
}

std::string place(const Finding& finding) {
  const std::string position = std::to_string(finding.at.line) + ':' + std::to_string(finding.at.column);
  return finding.file.empty() ? position : finding.file + ':' + position;
}

}  // namespace

void Findings::add(Finding finding) {
  ++count_;
  if (kept_.size() < kept_max)
    kept_.push_back(std::move(finding));
}

void Findings::add(const Error& error, const std::string& file) {
  const Value* list = error.field("findings");
  if (list == nullptr)
    return add(Finding{file, {}, error.cause(), error.remedy()});
  for (const Value& item : list->items()) {
    Finding finding = from_map(item);
    if (finding.file.empty())
      finding.file = file;
    add(std::move(finding));
  }
}

Error Findings::error(Errc code) const {
  assert(!empty());
  std::vector<Finding> sorted = kept_;
  std::ranges::stable_sort(sorted, {}, [](const Finding& f) { return std::tuple{f.file, f.at.line, f.at.column}; });
  Value list = Value::list();
  for (const Finding& finding : sorted)
    list.push_back(to_map(finding));
  const Finding& first = sorted.front();
  const std::string others = count_ > 1 ? " (the first of " + std::to_string(count_) + " findings)" : "";
  return Error{code, place(first), first.cause + others, first.suggestion}
      .with("findings", std::move(list))
      .with("count", count_);
}

Status Findings::status(Errc code) const { return empty() ? Status{} : Status{error(code)}; }

Error error_of(Errc code, Finding finding) {
  Findings findings;
  findings.add(std::move(finding));
  return findings.error(code);
}

}  // namespace theus
