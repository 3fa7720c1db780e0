#include "actors/joined_zone.hpp"

#include "actors/remote_buffers.hpp"
#include "runtime/attach/link.hpp"
#include "runtime/attach/tcp_socket.hpp"
#include "shm/heavy_room.hpp"

namespace theus::actors {
namespace {

constexpr std::chrono::milliseconds patience{10'000};

class Door : public AttachedEngine {
public:
  using AttachedEngine::Link;
};

/// A connection of its own, by which the process counts as a reader.
Result<shm::JoinedHeavy::Fetch> open(std::string_view handle) {
  auto link = Door::Link::open(handle, patience);
  if (!link)
    return link.error();
  return shm::JoinedHeavy::Fetch{[link = std::shared_ptr<Door::Link>{*std::move(link)}](
                                     std::optional<std::uint32_t> segment) -> Result<std::vector<Descriptor>> {
    const auto answer = segment ? link->request("segment", {{"segment", *segment}}, patience)
                                : link->request("join", Value::map(), patience);
    if (!answer)
      return answer.error();
    return link->take_descriptors();
  }};
}

}  // namespace

HeavyZone joined_zone(const std::shared_ptr<OwnerAddress>& owner, const JoinOptions& options) {
  if (owner->get().starts_with(remote_scheme)) {
    auto fetched = std::make_shared<shm::FetchedHeavy>(options.fetch, std::make_unique<RemoteBuffers>(owner, options));
    owner->on_loss([zone = std::weak_ptr{fetched}] {
      if (const auto there = zone.lock())
        there->interrupt();
    });
    return shm::HeavyRoom::zone_of(std::make_shared<shm::HeavyRoom>(std::move(fetched)));
  }
  return shm::HeavyRoom::zone_of(
      std::make_shared<shm::HeavyRoom>([owner]() -> Result<std::shared_ptr<shm::JoinedHeavy>> {
        auto fetch = open(owner->get());
        if (!fetch)
          return fetch.error();
        return shm::JoinedHeavy::join(*std::move(fetch));
      }));
}

}  // namespace theus::actors
