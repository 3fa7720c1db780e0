#include <theus/random.hpp>

#include "runtime/philox.hpp"

#include <cassert>

namespace theus {

PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) noexcept {
  constexpr int rounds = 10;
  constexpr std::uint64_t multiplier_0 = 0xD2511F53;
  constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
  constexpr std::uint32_t weyl_0 = 0x9E3779B9;
  constexpr std::uint32_t weyl_1 = 0xBB67AE85;
  const auto high = [](std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); };
  const auto low = [](std::uint64_t product) { return static_cast<std::uint32_t>(product); };
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t product_0 = multiplier_0 * counter[0];
    const std::uint64_t product_1 = multiplier_1 * counter[2];
    counter = {high(product_1) ^ counter[1] ^ key[0], low(product_1), high(product_0) ^ counter[3] ^ key[1],
               low(product_0)};
    key = {key[0] + weyl_0, key[1] + weyl_1};
  }
  return counter;
}

RandomStream::result_type RandomStream::operator()() noexcept {
  if (left_ == 0) {
    const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
    const auto high = [](std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); };
    const PhiloxBlock block =
        philox({low(block_), high(block_), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
    ++block_;
    numbers_ = {block[0] | std::uint64_t{block[1]} << 32, block[2] | std::uint64_t{block[3]} << 32};
    left_ = 2;
  }
  return numbers_[2 - left_--];
}

double RandomStream::uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

std::int64_t RandomStream::between(std::int64_t least, std::int64_t most) noexcept {
  assert(least <= most);
  const std::uint64_t count = static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least) + 1;
  if (count == 0)  // all 64 bits
    return static_cast<std::int64_t>((*this)());
  // Numbers below 2^64 mod count would make the first results likelier than the others.
  const std::uint64_t refused_below = (0 - count) % count;
  std::uint64_t number = (*this)();
  while (number < refused_below)
    number = (*this)();
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + number % count);
}

}  // namespace theus
