#pragma once

#include "shm/reader.hpp"
#include "shm/segment_name.hpp"
#include "tests/shm/consumer_process.hpp"
#include "tests/shm/owner_process.hpp"

#include <fcntl.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace theus::testing {

/// Owners that are killed at random moments while this process reads from them, in turn with segments in anonymous
/// memory and with named ones.
class OwnerCampaign {
public:
  struct Result {
    int kills = 0;
    std::uint64_t taken = 0;
    std::size_t wrong = 0;       ///< buffers that did not read as they were built, before or after the owner's death
    std::size_t not_lost = 0;    ///< owners whose death did not end new leases
    std::size_t left_names = 0;  ///< in /dev/shm, after the reaper
    std::size_t left_maps = 0;   ///< in this process
    long left_descriptors = 0;

    std::string text() const {
      return std::to_string(kills) + " kills, " + std::to_string(taken) + " taken, " + std::to_string(wrong) +
             " wrong, " + std::to_string(left_names) + " names, " + std::to_string(left_maps) + " maps, " +
             std::to_string(left_descriptors) + " descriptors left";
    }
  };

  explicit OwnerCampaign(unsigned seed) : random_(seed), seed_(seed) {}

  Result run(int kills) {
    const long descriptors = open_descriptors();
    for (int i = 0; i < kills; ++i) {
      const pid_t pid = kill_one(i % 2 == 1);
      ++result_.kills;
      shm::remove_dead_segments();
      result_.left_names += names_of(pid);
    }
    result_.left_descriptors = open_descriptors() - descriptors;
    result_.left_maps = heavy_maps();
    return result_;
  }

private:
  using Steady = std::chrono::steady_clock;

  pid_t kill_one(bool named) {
    auto [ours, theirs] = socket_pair();
    OwnerProcess owner{
        {"serve", "3", std::to_string(seed_ + static_cast<unsigned>(result_.kills)), named ? "named" : "memory"},
        theirs.number()};
    theirs = Descriptor{};
    auto first = receive_packet(ours, 100).value();
    auto reader = shm::Reader::attach(first->descriptors.at(0), first->descriptors.at(1)).value();
    ::fcntl(ours.number(), F_SETFL, O_NONBLOCK);

    std::deque<shm::Lease> leases;
    const auto take_one = [&] {
      for (auto packet = receive_packet(ours, 100); packet && *packet; packet = receive_packet(ours, 100)) {
        std::uint32_t segment = 0;
        std::memcpy(&segment, (*packet)->text.data(), sizeof segment);
        reader.attach_segment(segment, (*packet)->descriptors.at(0)).value();
      }
      auto lease = reader.try_take();
      if (!lease || !*lease)
        return;
      ++result_.taken;
      result_.wrong += is_whole((*lease)->bytes()) ? 0 : 1;
      leases.push_back(**std::move(lease));
      while (leases.size() > 1 + random_() % 20)
        leases.erase(leases.begin() + static_cast<long>(random_() % leases.size()));
    };
    // One in four is killed while it still sets itself up, the others while they deliver.
    const bool is_early = random_() % 4 == 0;
    const std::uint64_t taken_before = result_.taken;
    const auto patience = Steady::now() + std::chrono::seconds{10};
    while (!is_early && result_.taken == taken_before && Steady::now() < patience)
      take_one();
    const auto kill_at = Steady::now() + std::chrono::microseconds{random_() % 5000};
    while (Steady::now() < kill_at)
      take_one();
    owner.kill();
    reader.orphan();
    for (const shm::Lease& lease : leases)
      result_.wrong += is_whole(lease.bytes()) ? 0 : 1;
    const auto refused = reader.acquire(shm::encode(
        {.type = HeavyType::u8, .lease = shm::lease_word(0, 1), .bytes = 1, .shape = {1}, .zone = reader.zone()}));
    result_.not_lost += !refused && refused.error().code() == Errc::heavy_lost ? 0 : 1;
    return owner.pid();
  }

  static bool is_whole(std::span<const std::byte> bytes) {
    return bytes.size() < 16 || std::memcmp(bytes.data(), bytes.data() + bytes.size() - 8, 8) == 0;
  }
  static long open_descriptors() {
    const auto all = std::filesystem::directory_iterator{"/proc/self/fd"};
    return std::distance(begin(all), end(all));
  }
  static std::size_t names_of(pid_t pid) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/dev/shm"})
      if (const auto name = shm::parse_segment_name(entry.path().filename().string()))
        found += name->owner.pid == pid ? 1 : 0;
    return found;
  }
  static std::size_t heavy_maps() {
    std::ifstream maps{"/proc/self/maps"};
    std::size_t found = 0;
    for (std::string line; std::getline(maps, line);)
      found += line.find("memfd:theus-") != std::string::npos || line.find("/dev/shm/theus-") != std::string::npos;
    return found;
  }

  std::minstd_rand random_;
  unsigned seed_;
  Result result_;
};

}  // namespace theus::testing
