#include "benchmarks/heavy_load.hpp"
#include "benchmarks/peers/temporary_folder.hpp"

#include <sys/prctl.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

namespace theus::bench {
namespace {

// The daemon that owns iceoryx's memory; ended with this.
class RouDi {
public:
  RouDi() {
    const std::string config = (folder_.path() / "roudi.toml").string();
    std::ofstream{config} << "[general]\nversion = 1\n[[segment]]\n"
                             "[[segment.mempool]]\nsize = 2048\ncount = 64\n"
                             "[[segment.mempool]]\nsize = 1048576\ncount = 16\n"
                             "[[segment.mempool]]\nsize = 67108864\ncount = 4\n";
    std::string words[] = {"iox-roudi", "-c", config, "-m", "off", "-l", "off"};
    char* arguments[std::size(words) + 1]{};
    for (std::size_t i = 0; i < std::size(words); ++i)
      arguments[i] = words[i].data();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0)
      throw std::runtime_error("iox-roudi does not start");
    if (pid_ == 0) {
      // However the benchmark ends, the daemon ends with it.
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() == parent)
        ::execvp(arguments[0], arguments);
      ::_exit(127);
    }
  }
  ~RouDi() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  RouDi(const RouDi&) = delete;
  RouDi& operator=(const RouDi&) = delete;

private:
  TemporaryFolder folder_;
  pid_t pid_ = 0;
};

const iox::capro::ServiceDescription service{"theus", "bench", "heavy"};

void receive(Board& board) {
  iox::runtime::PoshRuntime::initRuntime("theus-bench-receiver");
  iox::popo::UntypedSubscriber subscriber{service};
  while (subscriber.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED)
    ::sched_yield();
  board.handed.store(1);
  for (std::uint64_t number = 1;; ++number) {
    for (;;) {
      auto taken = subscriber.take();
      if (taken.has_error())
        continue;
      std::uint64_t first = 0;
      std::memcpy(&first, taken.value(), sizeof first);
      if (first != number)
        ::_exit(1);
      tell_seen(board, number);
      subscriber.release(taken.value());
      break;
    }
  }
}

Timings send(const HandOver& load, Board& board) {
  iox::runtime::PoshRuntime::initRuntime("theus-bench-sender");
  iox::popo::UntypedPublisher publisher{service};
  while (board.handed.load() == 0)
    ::sched_yield();
  return timings_of(load, board, [&](std::uint64_t number) {
    auto loan = publisher.loan(static_cast<std::uint32_t>(load.bytes));
    if (loan.has_error())
      ::_exit(1);
    std::memcpy(loan.value(), &number, sizeof number);
    publisher.publish(loan.value());
  });
}

// Both sides in processes of their own: a process takes part in iceoryx once.
Timings iceoryx(const HandOver& load) {
  static const RouDi roudi;
  const SharedBoard board;
  auto* result = static_cast<Timings*>(
      ::mmap(nullptr, sizeof(Timings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const Receiver receiver{[&] { receive(*board); }};
  const pid_t sender = ::fork();
  if (sender == 0) {
    *result = send(load, *board);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(sender, &status, 0);
  const Timings timings = *result;
  ::munmap(result, sizeof(Timings));
  if (status != 0)
    throw std::runtime_error("the iceoryx sender failed");
  return timings;
}

}  // namespace

void add_packaged_heavy_peers(Case& subject, const HandOver& load, Figure figure) {
  subject.optional_peer("iceoryx", [=] { return figure_of(iceoryx(load), figure); });
}

}  // namespace theus::bench
