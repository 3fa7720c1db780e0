#include <theus/joined_engine.hpp>

#include "runtime/attach/link.hpp"
#include "shm/heavy_room.hpp"

namespace theus {

class JoinedEngine::HeavyLink {
public:
  static Result<shm::JoinedHeavy::Fetch> open(std::string_view handle, Timeout timeout) {
    auto link = Link::open(handle, timeout);
    if (!link)
      return link.error();
    return shm::JoinedHeavy::Fetch{
        [link = std::shared_ptr<Link>{*std::move(link)}, timeout](std::optional<std::uint32_t> segment) {
          return fetch(*link, segment, timeout);
        }};
  }

private:
  static Result<std::vector<Descriptor>> fetch(Link& link, std::optional<std::uint32_t> segment, Timeout timeout) {
    const auto answer = segment ? link.request("segment", {{"segment", *segment}}, timeout)
                                : link.request("join", Value::map(), timeout);
    if (!answer)
      return answer.error();
    return link.take_descriptors();
  }
};

Result<JoinedEngine> JoinedEngine::join(std::string_view handle, Timeout timeout) {
  auto engine = attach(handle, timeout);
  if (!engine)
    return engine.error();
  auto fetch = HeavyLink::open(handle, timeout);
  if (!fetch)
    return fetch.error();
  auto zone = shm::JoinedHeavy::join(*std::move(fetch));
  if (!zone)
    return zone.error();
  return JoinedEngine{*std::move(engine), shm::HeavyRoom::zone_of(std::make_shared<shm::HeavyRoom>(*std::move(zone)))};
}

}  // namespace theus
