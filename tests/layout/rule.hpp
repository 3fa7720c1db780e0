#pragma once
#include "tests/layout/source.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus::testing {

/// What a rule found, one sentence each; empty when the source keeps the rule.
using Offences = std::vector<std::string>;

/// A rule that every source keeps by itself, with a sample that breaks it, so that the rule is seen to work.
struct Rule {
  std::string_view claim;
  Offences (*offences)(const Source&);
  Source breaks;
};

std::span<const Rule> rules();

}  // namespace theus::testing
