#include "runtime/text_position.hpp"

namespace theus {

TextPosition position_after(std::string_view passed, TextPosition start) noexcept {
  for (const char c : passed) {
    const bool continues_character = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (c == '\n')
      start = {start.line + 1, 1};
    else if (!continues_character)
      ++start.column;
  }
  return start;
}

}  // namespace theus
