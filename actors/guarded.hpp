#pragma once

#include <theus/result.hpp>

#include <exception>
#include <string>

namespace theus::actors {

/// Does the work of a thread that must go on. A door for bad_alloc, and for a state that gives no further snapshot:
/// resource_exhausted at `where`, upon which whatever was worked on is given up.
template <class Work>
Status guarded(const char* where, const Work& work) try {
  work();
  return {};
} catch (const std::exception& error) {
  return Error{Errc::resource_exhausted, where, error.what()};
}

}  // namespace theus::actors
