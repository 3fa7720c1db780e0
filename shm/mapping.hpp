#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/interprocess/mapped_region.hpp>

namespace theus::shm {

/// The whole of a file as memory, or a part of it, for as long as this lives. Files of 2 MiB and more begin at a
/// multiple of 2 MiB, so that huge pages can stand behind them.
class Mapping {
public:
  enum class Access { read, write };

  Mapping() = default;
  /// The descriptor may be closed afterwards. Refuses with no_space, and bad_handle when the file does not allow it.
  static Result<Mapping> map(const Descriptor& file, std::uint64_t bytes, Access access, std::uint64_t offset = 0);

  std::byte* address() const noexcept { return static_cast<std::byte*>(region_.get_address()); }
  std::size_t bytes() const noexcept { return region_.get_size(); }

  /// Asks the kernel for huge pages, where it offers them.
  void want_huge_pages() const noexcept;
  /// Brings every page in, so that the first write to it costs nothing more.
  void populate_for_writing() const noexcept;

private:
  explicit Mapping(boost::interprocess::mapped_region region) : region_(std::move(region)) {}

  boost::interprocess::mapped_region region_;
};

/// A new file with a name where the system keeps shared memory. Refuses a name that is taken.
Result<Descriptor> create_shared_memory(const std::string& name, unsigned mode);

}  // namespace theus::shm
