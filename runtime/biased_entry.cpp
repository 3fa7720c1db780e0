#include "runtime/biased_entry.hpp"

#include <sched.h>

namespace theus {

bool BiasedEntry::take_over() {
  const std::lock_guard lock{change_};
  if (holder_.load() == gone)
    return false;
  const bool given = holdings_ < holdings_max;
  pass_on(given ? this_thread() | holdings_++ : gone);
  return given;
}

void BiasedEntry::dissolve() {
  const std::lock_guard lock{change_};
  pass_on(gone);
}

// REQUIRES: change_ is held.
void BiasedEntry::pass_on(std::uintptr_t next) {
  // Nobody may enter, and nobody may take the bias for gone, while the former holder is still inside.
  wait_for(holder_.exchange(changing));
  holder_.store(next);
}

void BiasedEntry::wait_outside() {
  const std::lock_guard lock{change_};
  wait_for(holder_.load());
}

void BiasedEntry::wait_for(std::uintptr_t holder) noexcept {
  if ((holder & ~mark_bits) == nobody)
    return;
  fence_.heavy();
  const Mark& mark = marks_[holder & mark_bits];
  for (int spins = 0; mark.load(thread_sanitizer ? std::memory_order_seq_cst : std::memory_order_acquire) != 0;
       ++spins) {
    if (spins < 64)
      pause_core();
    else
      ::sched_yield();
  }
}

}  // namespace theus
