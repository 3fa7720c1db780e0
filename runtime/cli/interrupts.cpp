#include "runtime/cli/interrupts.hpp"

#include <unistd.h>

namespace theus::cli {

HeldSignals::HeldSignals() {
  sigemptyset(&held_);
  sigaddset(&held_, wake);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
      sigaddset(&held_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Interrupts::Interrupts(const HeldSignals& held, std::function<void()> stop)
    : held_(held), stop_(std::move(stop)), waiting_([this] { wait_for_signals(); }) {}

Interrupts::~Interrupts() {
  over_ = true;
  pthread_kill(waiting_.native_handle(), HeldSignals::wake);
  waiting_.join();
}

void Interrupts::wait_for_signals() {
  for (int signal = 0; sigwait(&held_.set(), &signal) == 0 && !over_;) {
    if (signal == HeldSignals::wake)
      continue;
    if (caught_.exchange(true))
      _exit(exit_interrupted);
    stop_();
  }
}

}  // namespace theus::cli
