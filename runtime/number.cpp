#include "runtime/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace theus {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_digit(text[at]))
    ++at;
  return at;
}

template <class T>
Number convert(std::string_view text) noexcept {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    return {NumberForm::out_of_range, {}};
  return {NumberForm::valid, number};
}

}  // namespace

std::size_t number_length(std::string_view text) noexcept {
  const std::size_t start = text.starts_with('-') ? 1 : 0;
  std::size_t end = digits(text, start);
  if (end == start)
    return 0;
  if (text[start] == '0')
    end = start + 1;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = digits(text, end + 1);
    if (fraction > end + 1)
      end = fraction;
    else
      return end;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-') ? 1 : 0;
    const std::size_t exponent = digits(text, end + 1 + sign);
    if (exponent > end + 1 + sign)
      end = exponent;
  }
  return end;
}

Number parse_number(std::string_view text) noexcept {
  if (text.empty() || number_length(text) != text.size())
    return {NumberForm::none, {}};
  return text.find_first_of(".eE") == std::string_view::npos ? convert<std::int64_t>(text) : convert<double>(text);
}

bool resembles_number(std::string_view text) noexcept {
  if (text.starts_with('+') || text.starts_with('-'))
    text.remove_prefix(1);
  constexpr std::array<std::string_view, 6> words{".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
  if (std::ranges::find(words, text) != words.end())
    return true;
  const auto all = [](std::string_view rest, auto accepts) {
    return !rest.empty() && std::ranges::all_of(rest, accepts);
  };
  if (text.starts_with("0x") || text.starts_with("0o") || text.starts_with("0b"))
    return all(text.substr(2),
               [](char c) { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
  const std::size_t exponent = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, exponent);
  if (exponent < text.size() &&
      !all(text.substr(exponent + 1), [](char c) { return is_digit(c) || c == '+' || c == '-'; }))
    return false;
  return std::ranges::any_of(mantissa, is_digit) && std::ranges::count(mantissa, '.') <= 1 &&
         all(mantissa, [](char c) { return is_digit(c) || c == '_' || c == '.'; });
}

std::string real_text(double number) {
  if (!std::isfinite(number))
    return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  std::string text{buffer.data(), end};
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text;
}

}  // namespace theus
