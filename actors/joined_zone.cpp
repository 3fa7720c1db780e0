#include "actors/joined_zone.hpp"

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
  if (handle.starts_with(remote_scheme))
    return Error{Errc::unsupported, "heavy", "the buffers of an engine on another host cannot be looked at",
                 "Commit what is needed of them as an ordinary value, on the host of that engine"};
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

HeavyZone joined_zone(std::shared_ptr<const OwnerAddress> owner) {
  return shm::HeavyRoom::zone_of(
      std::make_shared<shm::HeavyRoom>([owner = std::move(owner)]() -> Result<std::shared_ptr<shm::JoinedHeavy>> {
        auto fetch = open(owner->get());
        if (!fetch)
          return fetch.error();
        return shm::JoinedHeavy::join(*std::move(fetch));
      }));
}

}  // namespace theus::actors
