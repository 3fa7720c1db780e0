#pragma once

#include <theus/result.hpp>

#include <exception>

namespace theus::actors {

/// Calls a function of the user's that is no body (an observer, a callback): what it throws becomes an Error.
template <class Callback>
Status call_user(const Callback& callback) try {
  callback();
  return {};
} catch (const std::exception& error) {
  return Error{Errc::process_failed, "callback", error.what(), "Callbacks should not throw"};
} catch (...) {
  return Error{Errc::process_failed, "callback", "an exception that is no std::exception",
               "Callbacks should not throw"};
}

}  // namespace theus::actors
