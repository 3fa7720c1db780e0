#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <cstdint>

namespace theus::shm {

/// Of files with a name: nobody but their user may open them.
inline constexpr unsigned private_mode = 0600;
inline constexpr std::uint64_t huge_page_bytes = std::uint64_t{2} << 20;

/// An anonymous file of that size in memory, every page of it there: touching it cannot fail later. Refuses with
/// no_space.
Result<Descriptor> create_memory_file(const char* name, std::uint64_t bytes);
/// Gives the file that many bytes of real memory. Refuses with no_space, and before anything is taken when the machine
/// or the container has not that much: the kernel would grant it page by page and then kill some process.
Status reserve(const Descriptor& file, std::uint64_t bytes);

/// From now on no new mapping of the file can write, and its size is fixed; mappings made before go on writing.
Status seal_for_readers(const Descriptor& file);
/// From now on nobody can write. REQUIRES: no writable mapping.
Status seal_for_everybody(const Descriptor& file);
Status seal_size(const Descriptor& file);

/// What this process can still take without others being killed for it.
std::uint64_t available_memory_bytes();

/// Whether the kernel gives huge pages to files in memory.
bool huge_pages_are_offered();

}  // namespace theus::shm
