#include "runtime/attach/join_door.hpp"

#include "runtime/attach/engine_entry.hpp"
#include "runtime/attach/link.hpp"
#include "runtime/attach/wire.hpp"

#include <algorithm>
#include <bit>

namespace theus {
namespace {

class Door : public AttachedEngine {
public:
  using AttachedEngine::Link;
};

std::optional<NearSignals> signals_of(const Value& answer, std::vector<Descriptor> descriptors) {
  const auto place = version_from_wire(answer["signals_from"]);
  if (!place || descriptors.size() != 4)
    return std::nullopt;
  return NearSignals{std::move(descriptors[0]), std::move(descriptors[1]), std::move(descriptors[2]),
                     std::move(descriptors[3]), *place};
}

enum class Reach : std::uint8_t { near, far };

/// The link is of no use afterwards.
Result<JoinedOwner> follow_by(Result<std::unique_ptr<Door::Link>> link, Reach reach,
                              const std::optional<JoinedBefore>& before, std::chrono::milliseconds timeout) {
  if (!link)
    return link.error();
  Value fields = Value::map();
  if (before)
    fields = {{"known", before->version},
              {"history", before->identity.history},
              {"epoch", before->identity.epoch},
              {"origin", before->origin}};
  if (reach == Reach::near)
    fields.set("near", true);
  const auto answer = (*link)->request("follow", std::move(fields), timeout);
  if (!answer)
    return answer.error();
  auto access = access_from_wire((*answer)["access"]);
  if (!access)
    return access.error();
  auto signals = signals_of(*answer, (*link)->take_descriptors());
  const auto number = [&](std::string_view field) { return (*answer)[field].get<std::int64_t>().value_or(0); };
  return JoinedOwner{.socket = std::move(**link).take_socket(),
                     .identity = {(*answer)["history"].get<std::string>().value_or(""),
                                  (*answer)["epoch"].get<std::string>().value_or("")},
                     .access = *std::move(access),
                     .seed = std::bit_cast<std::uint64_t>(number("seed")),
                     .origin = static_cast<std::uint64_t>(std::clamp<std::int64_t>(number("origin"), 0, origin_max)),
                     .records_causes = (*answer)["records_causes"].get<bool>().value_or(false),
                     .signals = std::move(signals)};
}

}  // namespace

Result<JoinedOwner> join_owner(std::string_view handle, const std::optional<JoinedBefore>& before,
                               std::chrono::milliseconds timeout) {
  return follow_by(Door::Link::open(handle, timeout), Reach::near, before, timeout);
}

Result<JoinedOwner> join_owner(PacketSocket socket, const Secret& token, const std::optional<JoinedBefore>& before,
                               std::chrono::milliseconds timeout) {
  return follow_by(Door::Link::open(std::move(socket), token, timeout), Reach::far, before, timeout);
}

std::vector<std::string> handles_near(std::string_view handle) {
  std::vector<std::string> handles{std::string{handle}};
  if (!handle.starts_with(handle_scheme))
    return handles;
  const std::filesystem::path socket{handle.substr(std::min(handle.size(), handle_scheme.size()))};
  const auto folder = AttachFolder::open(socket.parent_path());
  if (!folder || !*folder)
    return handles;
  for (const std::string& name : running_engines(**folder))
    if (std::string other = std::string{handle_scheme} + ((*folder)->path() / name).string(); other != handle)
      handles.push_back(std::move(other));
  return handles;
}

}  // namespace theus
