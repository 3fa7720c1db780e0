#include "runtime/attach/lending.hpp"

#include "runtime/attach/requests.hpp"

#include <algorithm>

namespace theus {
namespace {

Error out_of_turn(std::string cause) {
  return {Errc::bad_argument, "attach", std::move(cause),
          "Ask to be lent a buffer, fetch it from its beginning to its end, and give it back"};
}

}  // namespace

Result<std::span<const std::byte>> Lending::chunk(std::uint64_t from, Time now) {
  if (from != read_ || read_ == bytes())
    return out_of_turn("the buffer has " + std::to_string(bytes()) + " bytes, of which " + std::to_string(read_) +
                       " were fetched; what begins at " + std::to_string(from) + " is not next");
  const auto rest = buffer_.bytes.subspan(static_cast<std::size_t>(read_));
  const auto next = rest.first(std::min(rest.size(), chunk_bytes_max));
  hash_.add(next);
  read_ += next.size();
  progress_ = now;
  return next;
}

Result<Digest> Lending::digest() {
  if (read_ != bytes())
    return out_of_turn("the buffer has " + std::to_string(bytes()) + " bytes, of which only " + std::to_string(read_) +
                       " were fetched");
  return hash_.finish();
}

Result<Value> lend(AttachTarget& target, AttachedClient& client, const Value& request) {
  if (client.lending)
    return out_of_turn("this client has been lent a buffer already");
  const Value& handle = request["handle"];
  if (!handle.is_heavy())
    return out_of_turn("the field handle is no handle of a heavy buffer");
  auto buffer = target.lend(handle.as_heavy());
  if (!buffer)
    return buffer.error();
  client.lending.emplace(*std::move(buffer), client.now);
  return Value{{"bytes", client.lending->bytes()}};
}

Result<Value> fetch(AttachTarget&, AttachedClient& client, const Value& request) {
  const auto from = request["from"].get<std::uint64_t>();
  if (!from)
    return out_of_turn("the field from is no place in a buffer");
  if (!client.lending)
    return out_of_turn("this client has been lent no buffer");
  const auto chunk = client.lending->chunk(*from, client.now);
  if (!chunk)
    return chunk.error();
  return Value{{"from", *from}, {"bytes", Value::bytes(*chunk)}};
}

/// Whatever was fetched of it; the digest is of the whole.
Result<Value> give_back(AttachTarget&, AttachedClient& client, const Value&) {
  if (!client.lending)
    return out_of_turn("this client has been lent no buffer");
  const auto digest = client.lending->digest();
  client.lending.reset();
  return digest ? Value{{"digest", Value::bytes(digest->bytes)}} : Value::map();
}

}  // namespace theus
