#include <theus/diagnosis.hpp>
#include <theus/escape.hpp>

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "runtime/cli/command.hpp"

namespace theus::cli {
namespace {

using Verdict = Finding::Verdict;

Report report_of(const std::vector<Finding>& findings) {
  Value list = Value::list();
  std::string text;
  for (const Finding& each : findings) {
    list.push_back({{"subject", each.subject},
                    {"verdict", to_string(each.verdict)},
                    {"text", each.text},
                    {"remedy", each.remedy},
                    {"facts", each.facts}});
    text += fmt::format("{:<9} {:<20} {}\n", to_string(each.verdict), each.subject, escaped(each.text));
    if (each.verdict != Verdict::ok && !each.remedy.empty())
      text += fmt::format("{:<30} {}\n", "", escaped(each.remedy));
  }
  const auto wrong = std::ranges::count(findings, Verdict::wrong, &Finding::verdict);
  const auto fallbacks = std::ranges::count(findings, Verdict::fallback, &Finding::verdict);
  text += fmt::format("{} wrong, {} {} in use\n", wrong, fallbacks, fallbacks == 1 ? "fallback" : "fallbacks");
  return {.data = {{"findings", list}, {"wrong", wrong}, {"fallbacks", fallbacks}},
          .text = std::move(text),
          .is_bad_news = wrong > 0};
}

}  // namespace

constinit const Command doctor_command{
    "", "doctor",
    "Look at what engines need of this system, and at what dead ones left; end with 1 if something is wrong",
    "  theus doctor\n"
    "  theus doctor --json | jq '.findings[] | select(.verdict != \"ok\")'",
    [](CLI::App&, const Session&) -> Action {
      return [](Session&) -> Result<Report> { return report_of(diagnose()); };
    }};

}  // namespace theus::cli
