#pragma once

#include <string>

/// Reads frames of the engine with that handle until it is told that there are no more. `work` is histogram or edges.
int consume(const std::string& work, const std::string& handle);
