#include <theus/json.hpp>

#include "runtime/base64.hpp"
#include "runtime/escape.hpp"
#include "runtime/json_tags.hpp"
#include "runtime/value_build.hpp"

#include <nlohmann/json.hpp>

#include <bit>
#include <charconv>

namespace theus {
namespace {

using Json = nlohmann::json;

// Reads the text for nlohmann's lexer and tells how far it has come: its events carry no position.
class Cursor {
public:
  using difference_type = std::ptrdiff_t;
  using value_type = char;
  using reference = const char&;
  using pointer = const char*;
  using iterator_category = std::input_iterator_tag;

  Cursor(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

private:
  const char* at_;
  const char** reached_;
};

// The value of a tagged object's text, or nothing when the text is not in the tag's form.
std::optional<Value> untagged(std::string_view tag, const Value& content) {
  if (!content.is_string())
    return std::nullopt;
  const auto hex = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    const bool whole = digits.size() == 16 && end == digits.data() + digits.size() && error == std::errc{};
    return whole ? std::optional{number} : std::nullopt;
  };
  const std::string_view text = content.as_string();
  if (tag == bytes_tag) {
    const auto bytes = from_base64(text);
    return bytes ? std::optional{Value::bytes(*bytes)} : std::nullopt;
  }
  if (tag == real_tag) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (text == "inf" || text == "-inf")
      return Value{text == "inf" ? infinity : -infinity};
    if (text == "nan")
      return Value{std::numeric_limits<double>::quiet_NaN()};
    const auto bits = text.starts_with("nan:") ? hex(text.substr(4)) : std::nullopt;
    const double number = std::bit_cast<double>(bits.value_or(0));
    return std::isnan(number) ? std::optional{Value{number}} : std::nullopt;
  }
  HeavyRef ref;
  if (text.size() != 16 * ref.words.size())
    return std::nullopt;
  for (std::size_t i = 0; i < ref.words.size(); ++i) {
    const auto word = hex(text.substr(16 * i, 16));
    if (!word)
      return std::nullopt;
    ref.words[i] = *word;
  }
  return Value::heavy(ref);
}

// Builds the value from nlohmann's events; each of them returns whether to go on. Lists and maps under construction
// share two stacks, so that a text allocates by what it holds and not by what it announces.
class Builder {
public:
  Builder(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits), reached_(text.data()) {}

  Result<Value> run() {
    if (text_.size() > limits_.bytes_max)
      return Error{Errc::too_large, "JSON", "the text has more than " + std::to_string(limits_.bytes_max) + " bytes"}
          .with("limit", limits_.bytes_max)
          .with("asked", text_.size());
    // nlohmann takes NUL for the end of the text.
    if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos)
      return located(Errc::bad_input, nul, "a NUL byte stands in the text");
    const char* end = text_.data() + text_.size();
    Json::sax_parse(Cursor{text_.data(), &reached_}, Cursor{end, &reached_}, this);
    return std::move(outcome_);
  }

  bool null() { return add(nullptr); }
  bool boolean(bool flag) { return add(flag); }
  bool number_integer(std::int64_t number) { return add(number); }
  bool number_unsigned(std::uint64_t number) {
    if (!std::in_range<std::int64_t>(number))
      return refuse_integer(std::to_string(number));
    return add(number);
  }
  bool number_float(double number, const std::string& spelling) {
    // Asked this way because the lexer writes the locale's decimal point.
    if (spelling.find_first_not_of("-0123456789") == std::string::npos)
      return refuse_integer(spelling);
    return add(number);
  }
  bool string(const std::string& text) { return add(text); }
  bool binary(const Json::binary_t&) { return false; }  // never sent for JSON texts

  bool start_array(std::size_t) { return open(false); }
  bool end_array() {
    const std::size_t base = frames_.back().base;
    Value list = build_list(std::span{items_}.subspan(base));
    items_.resize(base);
    frames_.pop_back();
    return add(std::move(list));
  }

  bool start_object(std::size_t) { return open(true); }
  bool key(const std::string& name) {
    frames_.back().key = name;
    frames_.back().key_end = offset();
    return true;
  }
  bool end_object() {
    const std::size_t base = frames_.back().base;
    frames_.pop_back();
    const std::span<Pending> members = std::span{members_}.subspan(base);
    if (members.size() == 1 && is_tag_like(members[0].key.as_string()))
      return end_tagged(members[0]);
    std::ranges::stable_sort(
        members, [](const Pending& a, const Pending& b) { return key_before(a.key.as_string(), b.key.as_string()); });
    const auto same_key = [](const Pending& a, const Pending& b) { return a.key == b.key; };
    if (const auto twice = std::ranges::adjacent_find(members, same_key); twice != members.end())
      return refuse(Errc::bad_input, start_of_string(twice[1].key_end),
                    "the key '" + std::string{twice->key.as_string()} + "' stands twice in one object");
    scratch_.clear();
    for (Pending& member : members) {
      scratch_.push_back(std::move(member.key));
      scratch_.push_back(std::move(member.item));
    }
    members_.resize(base);
    return add(build_map(scratch_));
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: what we want"
    std::string_view cause = error.what();
    cause.remove_prefix(std::min(cause.find("] ") + 2, cause.size()));
    if (cause.starts_with("parse error at "))
      cause.remove_prefix(std::min(cause.find(": ") + 2, cause.size()));
    return refuse(Errc::bad_input, position > 0 ? position - 1 : 0, std::string{cause});
  }

private:
  struct Pending {
    Value key;
    Value item;
    std::size_t key_end = 0;
  };
  struct Frame {
    bool is_map;
    std::size_t base;  // where its items or members begin
    Value key;         // of the member under construction
    std::size_t key_end;
  };

  bool open(bool is_map) {
    if (frames_.size() == limits_.depth_max)
      return refuse(Errc::too_deep, offset() - 1,
                    "lists and objects stand more than " + std::to_string(limits_.depth_max) + " deep");
    frames_.push_back({is_map, is_map ? members_.size() : items_.size(), {}, 0});
    return true;
  }

  bool add(Value value) {
    if (frames_.empty())
      outcome_ = std::move(value);
    else if (Frame& frame = frames_.back(); frame.is_map)
      members_.push_back({std::move(frame.key), std::move(value), frame.key_end});
    else
      items_.push_back(std::move(value));
    return true;
  }

  bool end_tagged(const Pending& member) {
    const Pending only = member;
    members_.pop_back();
    const std::string_view tag = only.key.as_string();
    if (tag.starts_with("$$"))
      return add(Value{{tag.substr(1), only.item}});
    auto value = untagged(tag, only.item);
    if (!value)
      return refuse(Errc::bad_input, start_of_string(only.key_end),
                    "the content of '" + std::string{tag} + "' is not in its form",
                    "For an ordinary member of that name write '$" + std::string{tag} + "'");
    return add(*std::move(value));
  }

  std::size_t offset() const { return static_cast<std::size_t>(reached_ - text_.data()); }

  // The opening quote of the string whose closing quote ends at `end`: the nearest one that no backslash escapes.
  std::size_t start_of_string(std::size_t end) const {
    for (std::size_t at = end - 1; at-- > 0;) {
      if (text_[at] != '"')
        continue;
      const std::size_t unescaped = text_.substr(0, at).find_last_not_of('\\') + 1;
      if ((at - unescaped) % 2 == 0)
        return at;
    }
    return 0;
  }

  bool refuse_integer(const std::string& spelling) {
    return refuse(Errc::bad_input, text_.substr(0, offset()).rfind(spelling),
                  "the integer " + spelling + " does not fit into 64 bits with sign",
                  "Write it as a string, or with a fraction if a double will do");
  }

  bool refuse(Errc code, std::size_t at, std::string cause, std::string remedy = {}) {
    outcome_ = located(code, at, std::move(cause), std::move(remedy));
    return false;
  }

  Error located(Errc code, std::size_t at, std::string cause, std::string remedy = {}) const {
    const std::string_view before = text_.substr(0, at);
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::string_view in_line = before.substr(before.rfind('\n') + 1);
    const auto is_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    const auto column = std::ranges::count_if(in_line, is_character) + 1;
    if (cause.size() > cause_bytes_max)
      cause.replace(cause_bytes_max, std::string::npos, "...");
    return Error{code, "JSON, line " + std::to_string(line) + ", column " + std::to_string(column), std::move(cause),
                 std::move(remedy)}
        .with("line", line)
        .with("column", column);
  }

  static constexpr std::size_t cause_bytes_max = 300;

  const std::string_view text_;
  const JsonLimits limits_;
  const char* reached_;
  std::vector<Frame> frames_;
  std::vector<Value> items_;
  std::vector<Pending> members_;
  std::vector<Value> scratch_;
  Result<Value> outcome_ = Value{};
};

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) { return Builder{text, limits}.run(); }

}  // namespace theus
