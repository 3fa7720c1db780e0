#include <theus/convert.hpp>

namespace theus {

Error wrong_kind(std::string_view wanted, const Value& found) {
  return Error{Errc::bad_argument, "",
               "wanted " + std::string{wanted} + ", found " + std::string{to_string(found.kind())}}
      .with("wanted", wanted)
      .with("got", to_string(found.kind()));
}

}  // namespace theus
