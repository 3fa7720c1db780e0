#pragma once

// What engines and attached clients say to each other, over a socket that keeps packets apart (SOCK_SEQPACKET).
//
// Handshake: one packet of canonical CBOR per line, at most handshake_bytes_max bytes each.
//   both, at once     {"theus": version, "nonce": 32 bytes}
//   client            {"proof": 32 bytes}         proof_of(client), once it has seen the engine's nonce
//   engine            {"proof": 32 bytes}         proof_of(engine): now both have joined
//   engine, instead   {"refused": "uid" | "token" | "version" | "full", "ours": ..., "theirs": ...}, and the end
// The version is compared before anything else; its place will not change in later versions.
//
// Afterwards: messages of canonical CBOR, each cut into packets of one marker byte (0: more follows, 1: the last) and
// up to packet_bytes_max - 1 bytes.
//   client            {"id": n, "do": name, ...}                    see attach_requests in requests.hpp
//   engine            {"id": n, "ok": value} or {"id": n, "error": {code, where, cause, remedy, fields}}
//                     With the first packet of the answer to `join` come two descriptors (SCM_RIGHTS): the heavy zone's
//                     block table and the client's lease page; with that of the answer to `segment` one. Descriptors
//                     that a client sends are dropped.
//   engine            {"event": "changes", since, version, entries, omitted}
//   engine            {"event": "signals", "signals": [{sequence, version, index, name, payload} or {missed}, ...]}
//   engine            {"event": "counts", elapsed_us, "counts": [[name, n], ...], further, missed}
//   engine            {"event": "closing"}                          the engine is shut down in an orderly way
// Once its request `follow` was answered, client and engine speak as join_wire.hpp tells.
// Whoever hears something else hangs up.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace theus {

inline constexpr std::int64_t attach_version = 4;

inline constexpr std::size_t handshake_bytes_max = 4096;
inline constexpr std::size_t packet_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t request_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t answer_bytes_max = std::size_t{16} << 20;
/// A value of the state (64 levels) inside a message.
inline constexpr std::size_t message_depth_max = 72;

/// From the connection to the last proof.
inline constexpr std::chrono::milliseconds handshake_timeout{1000};
/// For a request that has begun to arrive, and for a packet that its receiver does not take.
inline constexpr std::chrono::milliseconds stall_timeout{10'000};

}  // namespace theus
