#pragma once

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <iostream>
#include <sstream>

namespace theus::testing {

/// Checks that the property holds `times` times (or as often as RC_PARAMS says, if that is more); a failure tells the
/// seed and the smallest case.
template <class Property>
void holds(int times, Property&& property) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = std::max(params.maxSuccess, times);
  INFO("RC_PARAMS=seed=" << params.seed);
  const auto result = rc::detail::checkTestable(std::forward<Property>(property), rc::detail::TestMetadata{}, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  INFO(text.str());
  CHECK(result.template is<rc::detail::SuccessResult>());
}

}  // namespace theus::testing
