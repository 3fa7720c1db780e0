#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <cstddef>
#include <span>

namespace theus {

/// Zeroed memory from the kernel, of this process alone or shared with others. What is shared stays with the process
/// that mapped it: a forked child finds zeroed memory of its own at the same place, and can disturb nobody.
class MappedPages {
public:
  enum class Access : std::uint8_t { read, write };

  /// Throws bad_alloc.
  static MappedPages of_this_process(std::size_t bytes);
  /// In a memory file of that name, which nobody can shrink or grow. Errors: resource_exhausted.
  static Result<MappedPages> shared(const char* name, std::size_t bytes);
  /// A file that shared() made, here or in another process. Errors: bad_input, when its size can change or is not
  /// `bytes_min` to `bytes_max`, and when it cannot be mapped.
  static Result<MappedPages> open(const Descriptor& file, Access access, std::size_t bytes_min, std::size_t bytes_max);

  MappedPages(MappedPages&& other) noexcept;
  MappedPages& operator=(MappedPages&& other) noexcept;
  ~MappedPages();

  std::span<std::byte> bytes() const noexcept { return {memory_, size_}; }
  /// For other processes; -1 when it is not shared, or was opened.
  int file() const noexcept { return file_.number(); }
  /// From now on nobody else gets it other than to read. Errors: resource_exhausted.
  Status seal_for_readers() const;

private:
  MappedPages(std::byte* memory, std::size_t size, bool is_shared, Descriptor file);

  std::byte* memory_;
  std::size_t size_;
  bool is_shared_;
  Descriptor file_;
};

}  // namespace theus
