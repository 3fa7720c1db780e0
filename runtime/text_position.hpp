#pragma once

#include <theus/expression.hpp>

#include <string_view>

namespace theus {

/// Where one stands after reading `passed` from `start` on: columns count characters, a line feed begins a line.
TextPosition position_after(std::string_view passed, TextPosition start = {}) noexcept;

}  // namespace theus
