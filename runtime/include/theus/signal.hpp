#pragma once

#include <theus/value.hpp>

#include <string>

namespace theus {

/// A signal to be sent, or to be published by a transaction when it commits.
struct Signal {
  std::string name;
  Value payload;
};

}  // namespace theus
