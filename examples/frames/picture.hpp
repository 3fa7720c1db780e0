#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

// Grey pictures of 1920 x 1080 points: a white rectangle that moves over black ground.

inline constexpr std::uint64_t width = 1920;
inline constexpr std::uint64_t height = 1080;
inline constexpr std::uint8_t white = 255;

using Picture = std::span<std::uint8_t>;
using PictureView = std::span<const std::uint8_t>;

struct Rectangle {
  std::uint64_t left;
  std::uint64_t top;
  std::uint64_t wide;
  std::uint64_t high;
};

/// Never at the border, so that it has all its edges.
constexpr Rectangle rectangle_of(std::uint64_t frame) {
  return {1 + frame * 7 % 1000, 1 + frame * 3 % 500, 100 + frame % 400, 100 + frame % 300};
}

inline void draw(Picture picture, std::uint64_t frame) {
  std::ranges::fill(picture, std::uint8_t{0});
  const Rectangle rectangle = rectangle_of(frame);
  for (std::uint64_t row = rectangle.top; row < rectangle.top + rectangle.high; ++row)
    std::memset(&picture[row * width + rectangle.left], white, rectangle.wide);
}

/// White points, by way of a histogram.
inline std::uint64_t white_points(PictureView picture) {
  std::uint32_t histogram[256]{};
  for (const std::uint8_t point : picture)
    ++histogram[point];
  return histogram[white];
}
constexpr std::uint64_t expected_white_points(std::uint64_t frame) {
  const Rectangle rectangle = rectangle_of(frame);
  return rectangle.wide * rectangle.high;
}

/// Points that differ from their neighbour to the left.
inline std::uint64_t edge_points(PictureView picture) {
  std::uint64_t count = 0;
  for (std::uint64_t row = 0; row < height; ++row) {
    const PictureView line = picture.subspan(row * width, width);
    for (std::uint64_t column = 1; column < width; ++column)
      count += line[column] != line[column - 1] ? 1 : 0;
  }
  return count;
}
constexpr std::uint64_t expected_edge_points(std::uint64_t frame) { return 2 * rectangle_of(frame).high; }
