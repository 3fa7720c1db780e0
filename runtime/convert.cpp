#include <theus/convert.hpp>
#include <theus/fields.hpp>
#include <theus/path.hpp>

#include <theus/nearest.hpp>
#include "runtime/number.hpp"

namespace theus {
namespace {

// The error one level further out: `step` is the canonical spelling of a key or an index.
Error outside(const std::string& step, const Error& inner) {
  const bool joined = inner.where().empty() || inner.where().starts_with('[');
  const std::string where = step + (joined ? "" : ".") + inner.where();
  Error error{inner.code(), where, inner.cause(), inner.remedy()};
  const Value fields = inner.fields();
  for (const auto [name, field] : fields.members())
    error.set(name, field);
  return error.set("path", where);
}

}  // namespace

Error wrong_kind(std::string_view wanted, const Value& found) {
  return Error{Errc::bad_argument, "",
               "wanted " + std::string{wanted} + ", found " + std::string{to_string(found.kind())}}
      .with("wanted", wanted)
      .with("got", to_string(found.kind()));
}

Error out_of_range(const Value& number) {
  const std::string text = number.is_int() ? std::to_string(number.as_int()) : real_text(number.as_double());
  return Error{Errc::bad_argument, "", "the number " + text + " is out of range"}.with("got", number);
}

Error wrong_length(std::size_t wanted, const Value& list) {
  return Error{Errc::bad_argument, "",
               "wanted " + std::to_string(wanted) + " elements, found " + std::to_string(list.size())}
      .with("wanted", wanted)
      .with("got", list.size());
}

Error within(std::string_view key, const Error& inner) { return outside(Path{}.key(key).text(), inner); }

Error within(std::size_t index, const Error& inner) { return outside(Path{}.index(index).text(), inner); }

Error missing_field(std::string_view type, std::string_view name) {
  return within(name, Error{Errc::bad_argument, "", "this field of " + std::string{type} + " is missing"});
}

Error unknown_field(std::string_view type, std::string_view name, std::span<const std::string_view> known) {
  const std::vector<std::string> names{known.begin(), known.end()};
  return within(name, Error{Errc::bad_argument, "", std::string{type} + " has no such field", suggest(name, names)});
}

Error unknown_name(std::string_view type, std::string_view name, std::span<const std::string_view> known) {
  const std::vector<std::string> names{known.begin(), known.end()};
  return Error{Errc::bad_argument, "", "'" + std::string{name} + "' is no " + std::string{type}, suggest(name, names)}
      .with("got", name);
}

void refuse_unnamed(std::string_view type, std::int64_t number) {
  raise(Error{Errc::bad_argument, std::string{type}, "the enumerator " + std::to_string(number) + " has no name",
              "Name it in THEUS_ENUM"});
}

}  // namespace theus
