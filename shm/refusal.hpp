#pragma once

#include <theus/heavy_shape.hpp>
#include <theus/value.hpp>

#include <cerrno>
#include <string>

namespace theus::shm {

// The refusals of the heavy zone, in one wording.

Error no_space(std::string cause, std::uint64_t needed, std::uint64_t free, std::string remedy);
/// A handle, a segment or a header that cannot be ours: forged, damaged or of another version.
Error bad_handle(std::string cause);
Error expired_handle();
/// The zone that owned the buffer is gone.
Error heavy_lost(std::string cause);
/// The elements of a buffer are not what somebody wants to see.
Error other_type(HeavyType is, HeavyType wanted);
/// In a child that was forked from the process which joined a zone.
Error forked_reader();
/// What the kernel said to `call`: no_space for want of memory or files, else internal.
Error from_kernel(const char* call, int number, std::uint64_t needed = 0);

}  // namespace theus::shm
