#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace theus::store {

/// The bytes of a part of a checkpoint that its proof, a chain from a link of zeros, covers: path, NUL, value.
inline std::vector<std::byte> checkpoint_proof_record(std::string_view path, std::span<const std::byte> value) {
  std::vector<std::byte> record;
  record.reserve(path.size() + 1 + value.size());
  const auto text = std::as_bytes(std::span{path});
  record.insert(record.end(), text.begin(), text.end());
  record.push_back(std::byte{0});
  record.insert(record.end(), value.begin(), value.end());
  return record;
}

}  // namespace theus::store
