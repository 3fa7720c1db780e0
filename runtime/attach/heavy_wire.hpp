#pragma once

// How a heavy zone is described in the messages of protocol.hpp.

#include <theus/attach.hpp>

namespace theus {

Value to_wire(const HeavyReport& report);
Result<HeavyReport> heavy_report_from_wire(const Value& value);

}  // namespace theus
