#pragma once

#include <cstddef>
#include <span>
#include <string_view>

inline constexpr std::size_t dimensions = 65'536;

/// Counts what a text consists of, each kind in a place of its own by its hash: its words, pairs of words that stand
/// together, and runs of three letters, by which a mistyped word is still much like the right one.
void count_features(std::string_view text, std::span<float> counts);

/// The same, dampened and of length 1: a point, near to that of texts that say the same.
void embed(std::string_view text, std::span<float> point);
