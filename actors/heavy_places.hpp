#pragma once

#include <theus/attach.hpp>
#include <theus/snapshot.hpp>

#include <functional>

namespace theus::actors {

/// Shows each handle in the value and where it stands there.
void each_heavy_place(const Value& value, const std::function<void(const HeavyRef&, const Path&)>& see);

}  // namespace theus::actors
