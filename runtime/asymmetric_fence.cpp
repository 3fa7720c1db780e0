#include "runtime/asymmetric_fence.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace theus {
namespace {

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

AsymmetricFence::AsymmetricFence() noexcept
    : asymmetric_(!thread_sanitizer && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {}

void AsymmetricFence::heavy() const noexcept {
#if !THEUS_THREAD_SANITIZER
  if (!asymmetric_ || !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace theus
