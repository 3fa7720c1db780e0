#include "features.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

// FNV-1a: the same in every process and on every machine.
std::size_t place_of(std::string_view feature) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : feature)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return hash % dimensions;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool is_inside = false;
  for (const char each : text) {
    const auto letter = static_cast<unsigned char>(each);
    if (std::isalnum(letter) == 0) {
      is_inside = false;
      continue;
    }
    if (!is_inside)
      words.emplace_back();
    words.back() += static_cast<char>(std::tolower(letter));
    is_inside = true;
  }
  return words;
}

}  // namespace

void count_features(std::string_view text, std::span<float> counts) {
  std::ranges::fill(counts, 0.0F);
  std::string last;
  for (const std::string& word : words_of(text)) {
    ++counts[place_of(word)];
    if (!last.empty())
      ++counts[place_of(last + " " + word)];
    for (std::size_t at = 0; at + 3 <= word.size(); ++at)
      counts[place_of("~" + word.substr(at, 3))] += 0.25F;
    last = word;
  }
}

void embed(std::string_view text, std::span<float> point) {
  count_features(text, point);
  float squares = 0;
  for (float& each : point) {
    each = std::log1p(each);
    squares += each * each;
  }
  const float length = squares > 0 ? std::sqrt(squares) : 1;
  for (float& each : point)
    each /= length;
}
