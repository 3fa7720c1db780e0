#pragma once

#include "actors/owner_address.hpp"
#include "shm/fetched_heavy.hpp"

#include <theus/engine.hpp>

#include <deque>
#include <memory>

namespace theus::actors {

/// Fetches buffers over a connection of its own, so that commits and signals do not wait for them; made when it is
/// first needed, and again when it was lost.
class RemoteBuffers final : public shm::BufferSource {
public:
  RemoteBuffers(std::shared_ptr<const OwnerAddress> owner, JoinOptions options);
  ~RemoteBuffers() override;

  Result<std::uint64_t> lend(const HeavyRef& ref, Time deadline) override;
  Result<std::size_t> fetch(std::uint64_t from, std::span<std::byte> into, Time deadline) override;
  Result<std::optional<Digest>> give_back(Time deadline) override;
  void interrupt() noexcept override;

private:
  struct Connection;
  class Door;

  Result<std::shared_ptr<Connection>> connect(Time deadline) const;
  Result<std::shared_ptr<Connection>> connected(Time deadline);
  Result<Value> request(std::string_view name, Value fields, Time deadline);
  Status ask_ahead(Time deadline);
  void hang_up();

  const std::shared_ptr<const OwnerAddress> owner_;
  const JoinOptions options_;

  std::mutex mutex_;
  std::shared_ptr<Connection> connection_;  // changed under mutex_, by who uses this

  // Of the buffer that is lent.
  std::uint64_t bytes_ = 0;
  std::uint64_t asked_ = 0;         // for so many of them
  std::deque<std::int64_t> ahead_;  // requests whose answers have not come
};

}  // namespace theus::actors
