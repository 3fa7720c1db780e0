// An owner of heavy buffers, as a process of its own, for tests that kill it or leave it no memory.
//
//   owner serve SOCKET SEED memory|named   builds and hands buffers to its parent, until it is killed
//   owner fill tmpfs|addresses|group       builds until there is no room, again and again, within 16 MiB of /dev/shm,
//                                          little address space, or a group of processes with little memory
//
// `fill` ends with 0 when every refusal was no_space and there was at least one, and 77 when the limit cannot be set.

#include "runtime/descriptor_passing.hpp"
#include "shm/arena.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>

namespace theus::testing {
namespace {

using namespace shm;

constexpr int exit_wrong = 1;
constexpr int exit_usage = 2;
constexpr int exit_skipped = 77;
constexpr std::uint64_t mebibyte = 1 << 20;

Hold built(Arena& arena, Loan loan, std::uint64_t mark) {
  const std::uint64_t bytes = loan.bytes().size();
  std::ranges::fill(loan.bytes(), std::byte{1});
  if (bytes >= 2 * sizeof mark) {  // both ends say the same, as readers check
    std::memcpy(loan.bytes().data(), &mark, sizeof mark);
    std::memcpy(loan.bytes().data() + bytes - sizeof mark, &mark, sizeof mark);
  }
  return arena.publish(std::move(loan), HeavyType::u8, {bytes}).value();
}

int serve(const Descriptor& socket, unsigned seed, bool named) {
  auto arena = Arena::create({.bytes_max = 16 * mebibyte, .named_segments = named}).value();
  const auto consumer = arena->admit(living_process(::getppid()).value()).value();
  const auto table = arena->table_file().value();
  const auto leases = arena->lease_file(consumer).value();
  const int both[] = {table.number(), leases.number()};
  std::uint32_t word = 0;
  send_packet(socket, std::as_bytes(std::span{&word, 1}), both).value();

  std::minstd_rand random{seed + 1};
  std::set<std::uint32_t> sent;
  std::deque<Hold> kept;
  for (std::uint64_t mark = 1;; ++mark) {
    auto loan = arena->lend(1 + random() % (64 << 10));
    if (!loan) {
      kept.clear();
      arena->collect();
      continue;
    }
    kept.push_back(built(*arena, *std::move(loan), mark));
    const std::uint32_t segment = static_cast<std::uint32_t>(kept.back().ref().words[0]);
    if (sent.insert(segment).second) {
      const auto file = arena->segment_file(segment).value();
      const int number = file.number();
      if (!send_packet(socket, std::as_bytes(std::span{&segment, 1}), std::span{&number, 1}))
        return 0;
    }
    (void)arena->deliver(consumer, kept.back());  // refused while the consumer is slow
    if (kept.size() > 50)
      kept.erase(kept.begin(), kept.begin() + static_cast<long>(random() % kept.size()));
  }
}

bool limit_tmpfs() {
  constexpr const char* options = "size=16m,mode=1777";
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", "/dev/shm", "tmpfs", 0, options) == 0;
}

bool limit_addresses() {
  std::uint64_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  const rlim_t bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + 48 * mebibyte;
  const rlimit limit{bytes, bytes};
  return ::setrlimit(RLIMIT_AS, &limit) == 0;
}

/// Below the group of this process, where the memory of groups is limited by files that we may write. Gone again once
/// nobody is left in it, which is the parent's to see to.
bool limit_group(const char* folder) {
  const auto write = [&](const char* file, std::uint64_t number) {
    std::ofstream out{std::string{folder} + "/" + file};
    out << number << std::flush;
    return out.good();
  };
  constexpr std::uint64_t limit = 192 * mebibyte;
  return (write("memory.limit_in_bytes", limit) || write("memory.max", limit)) &&
         write("cgroup.procs", static_cast<std::uint64_t>(::getpid()));
}

/// Every byte of every buffer is written, so that memory which is not there would end this process.
int fill(bool named) {
  auto arena = Arena::create({.bytes_max = 1024 * mebibyte, .named_segments = named});
  if (!arena)
    return arena.error().code() == Errc::no_space ? 0 : exit_wrong;
  std::minstd_rand random{4711};
  std::vector<Hold> holds;
  int refusals = 0;
  for (std::uint64_t mark = 1; mark < 4000 && refusals < 10; ++mark) {
    auto loan = (*arena)->lend(1 + random() % (2 * mebibyte));
    if (loan) {
      holds.push_back(built(**arena, *std::move(loan), mark));
      continue;
    }
    if (loan.error().code() != Errc::no_space || loan.error().field("needed") == nullptr)
      return exit_wrong;
    ++refusals;
    std::ranges::shuffle(holds, random);
    holds.resize(holds.size() / 2);
    if (refusals % 4 == 0)
      (*arena)->trim();
  }
  return refusals > 0 && (*arena)->is_sane() ? 0 : exit_wrong;
}

}  // namespace
}  // namespace theus::testing

int main(int argc, char** argv) {
  using namespace theus::testing;
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string how = argc > 2 ? argv[2] : "";
  if (what == "serve" && argc == 5)
    return serve(theus::Descriptor{std::atoi(argv[2])}, static_cast<unsigned>(std::atoi(argv[3])),
                 std::string{argv[4]} == "named");
  if (what != "fill")
    return exit_usage;
  const bool is_limited = how == "tmpfs"       ? limit_tmpfs()
                          : how == "addresses" ? limit_addresses()
                                               : argc == 4 && limit_group(argv[3]);
  return is_limited ? fill(how == "tmpfs") : exit_skipped;
}
