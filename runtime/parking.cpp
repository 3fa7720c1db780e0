#include "runtime/parking.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace theus {
namespace {

using Word = std::atomic<std::uint32_t>;

long futex(Word& word, int operation, std::uint32_t value, const timespec* until) noexcept {
  return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

}  // namespace

void Parking::wake() noexcept {
  if (cell_.armed.exchange(0) == 0)
    return;
  cell_.epoch.fetch_add(1);
  futex(cell_.epoch, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr);
}

void Parking::sleep(std::uint32_t epoch, Deadline deadline) noexcept {
  if (deadline == no_deadline) {
    futex(cell_.epoch, FUTEX_WAIT_BITSET, epoch, nullptr);
    return;
  }
  // steady_clock is CLOCK_MONOTONIC here, the clock of FUTEX_WAIT_BITSET's absolute time.
  using namespace std::chrono;
  const auto since = duration_cast<nanoseconds>(deadline.time_since_epoch());
  const auto whole = duration_cast<seconds>(since);
  const timespec until{static_cast<time_t>(whole.count()), static_cast<long>((since - whole).count())};
  futex(cell_.epoch, FUTEX_WAIT_BITSET, epoch, &until);
}

}  // namespace theus
