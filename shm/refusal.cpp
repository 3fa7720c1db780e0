#include "shm/refusal.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

namespace theus::shm {
namespace {

// As a field of an error; sizes beyond what a Value counts occur in requests that cannot be meant.
Value as_field(std::uint64_t bytes) {
  return static_cast<std::int64_t>(
      std::min(bytes, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

}  // namespace

Error no_space(std::string cause, std::uint64_t needed, std::uint64_t free, std::string remedy) {
  return Error{Errc::no_space, "heavy zone", std::move(cause), std::move(remedy)}
      .with("needed", as_field(needed))
      .with("free", as_field(free));
}

Error bad_handle(std::string cause) {
  return Error{Errc::bad_handle, "heavy zone", std::move(cause),
               "Use handles as they were given, from this engine only"};
}

Error expired_handle() {
  return Error{Errc::expired_handle, "heavy zone", "the buffer was recycled: no state or view named it any more",
               "Read the handle from the newest state, and keep the Value that holds it"};
}

Error heavy_lost(std::string cause) {
  return Error{Errc::heavy_lost, "heavy zone", std::move(cause),
               "Build the buffer again; heavy data live in memory only"};
}

Error other_type(HeavyType is, HeavyType wanted) {
  return Error{Errc::bad_argument, "heavy zone",
               "the buffer's elements are " + std::string{to_string(is)} + ", not " + std::string{to_string(wanted)},
               "View it as what it is"};
}

Error forked_reader() {
  return Error{Errc::forked, "heavy zone", "this process is a forked child; its parent has joined the engine",
               "Join from here, or start another program (fork and exec)"};
}

Error from_kernel(const char* call, int number, std::uint64_t needed) {
  const std::string cause = std::string{call} + ": " + std::generic_category().message(number);
  switch (number) {
    case ENOSPC:
    case ENOMEM:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case EAGAIN: return no_space(cause, needed, 0, "Free memory, or raise the limit of this process or container");
    default: return Error{Errc::internal, "heavy zone", cause, "See the cause; this should not happen"};
  }
}

}  // namespace theus::shm
