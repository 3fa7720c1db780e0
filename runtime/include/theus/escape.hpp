#pragma once

#include <string>
#include <string_view>

namespace theus {

/// The text with control, bidirectional-override and invalid UTF-8 bytes written as escapes
/// (\n, \x1b, \u202e), so that a name can neither forge a log line nor drive a terminal.
std::string escaped(std::string_view text);

}  // namespace theus
