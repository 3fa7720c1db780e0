#include <theus/nearest.hpp>

#include <algorithm>
#include <array>

namespace theus {
namespace {

constexpr std::size_t name_bytes_max = 64;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_without_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one each.
std::size_t distance(std::string_view a, std::string_view b) noexcept {
  std::array<std::array<std::size_t, name_bytes_max + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j)
    rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + changed});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped)
        row[j] = std::min(row[j], rows[(i + 1) % 3][j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string> known) noexcept {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    if (same_without_case(name, candidate))
      return candidate;
    if (name.size() > name_bytes_max || candidate.size() > name_bytes_max)
      continue;
    const std::size_t edits = distance(name, candidate);
    if (edits < best_distance && edits < candidate.size()) {
      best_distance = edits;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::string_view name, std::span<const std::string> known) {
  if (const std::string_view near = nearest(name, known); !near.empty())
    return "Did you mean '" + std::string{near} + "'?";
  if (known.empty())
    return {};
  constexpr std::size_t listed_max = 10;
  std::string text = "Known are ";
  for (std::size_t i = 0; i < std::min(known.size(), listed_max); ++i)
    text += (i > 0 ? ", " : "") + known[i];
  if (known.size() > listed_max)
    text += " and " + std::to_string(known.size() - listed_max) + " more";
  return text;
}

}  // namespace theus
