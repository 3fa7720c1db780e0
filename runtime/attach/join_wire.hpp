#pragma once

// What a process that joined and the owner of the state say to each other once its request `follow` was answered. Each
// message is a row of CBOR items (cbor_stream.hpp), the first of them its kind, cut into packets as in protocol.hpp.
//
//   to the owner
//     submit    epoch, then for each proposal: number, proposal
//     ask       number, id, fingerprint                                  what became of a request
//     signals   then for each: name, payload
//     reserve   id, lifetime in milliseconds, then for each path: path   once more for the same id: these as well
//     release   id
//     names     then for each: number, name                              by which they stand in the lane
//     hear      place                                                    ring, once, when something stands there
//     fetch     place                                                    as a message, what stands there and behind
//     alive
//   to the one who joined
//     commits   a block of commit_feed.hpp
//     answers   then for each: number, and one of    0, version          committed
//                                                    1, error            refused; see to_wire(Error)
//                                                    2                   no such request
//                                                    3, fingerprint, version, value    of that request
//     state     version, whether it is the last piece, then for each part: path, value
//     signals   then for each: name, version, index, payload             or, for a loss: null, how many
//     fetched   place, where it ends, then for each: number, and as in signals
//     alive
//     starts    then for each: id                                        a reservation that may start, or never will
//     schema    text                                                     JSON of what is in force; empty: nothing
//     dropped   error                                                    and the end
//
// and about rounds what round_wire.hpp tells: offer and stepped to the owner, hosting and share to the one who joined.
//
//   proposal  = strict, reservation or 0, [read, ...], standing, audit, record             the record as in
//   commit_record.hpp standing  = null or [elevated, [grant, ...]]        audit = null or [kind, who, reason,
//   nanoseconds since 1970]
//
// Who is on the owner's host and asks for it in `follow` hears and sends by shared memory: with the answer come
// descriptors (SCM_RIGHTS) of the hub's ring (signal_export.hpp), a lane (signal_lane.hpp), and an eventfd each, by
// which the owner rings for the ring and is rung for the lane. Names stand in both by numbers of whoever writes. What
// fits into no record is fetched, or sent by `signals`: a large record in the lane keeps its place.
//
// Numbers are the joined process's own, each used once. An answer comes after the commits that it stands on, and so
// does the start of a reservation; signals come after the commit that caused them, and commits after the schema that
// they stand under. So whoever takes messages in their order sees his own writes.

#include "runtime/cbor_stream.hpp"
#include "runtime/commit_record.hpp"

#include <theus/signal_event.hpp>

#include <chrono>

namespace theus {

enum class ToOwner : std::uint8_t {
  submit = 1,
  ask = 2,
  signals = 3,
  alive = 4,
  reserve = 5,
  release = 6,
  offer = 7,
  stepped = 8,
  names = 20,
  hear = 21,
  fetch = 22
};
enum class ToJoined : std::uint8_t {
  commits = 1,
  answers = 2,
  state = 3,
  signals = 4,
  alive = 5,
  dropped = 6,
  hosting = 7,
  share = 8,
  starts = 9,
  schema = 10,
  fetched = 20
};

/// Of one proposal, and of what is sent to the owner as one message unless a single proposal has more.
inline constexpr std::size_t submission_bytes_max = std::size_t{16} << 20;
inline constexpr std::size_t submission_bytes_wanted = std::size_t{60} << 10;
/// Of what the owner sends: the largest commit there can be.
inline constexpr std::size_t feed_bytes_max = std::size_t{256} << 20;
/// Proposals of one process on their way: what it sends beyond them is refused there, and not read here.
inline constexpr std::size_t submissions_max = 16'384;

/// How often both sides say that they are alive, unless they have said something else.
inline constexpr std::chrono::milliseconds alive_interval{400};
/// After that much silence the owner counts as down.
inline constexpr std::chrono::milliseconds owner_silence_max{2'000};
/// After that much silence a joined process is let go of.
inline constexpr std::chrono::milliseconds joined_silence_max{5'000};

/// A new message with its kind.
template <class Kind>
std::vector<std::byte> message_of(Kind kind) {
  std::vector<std::byte> message;
  append_cbor_number(message, static_cast<std::uint64_t>(kind));
  return message;
}

/// A proposal with what it stands on.
struct Submission {
  Proposal proposal;
  Cause cause;
  std::optional<AuditEntry> audit;
};
void append_proposal(std::vector<std::byte>& out, const ProposalView& proposal, const Cause& cause);
Submission read_submission(CborCursor& in, PathCache& paths);

void append_answer(std::vector<std::byte>& out, std::uint64_t number, const Result<Version>& outcome);
void append_answer(std::vector<std::byte>& out, std::uint64_t number,
                   const Result<std::optional<RequestLog::Outcome>>& known);

struct JoinAnswer {
  std::uint64_t number = 0;
  Result<std::optional<RequestLog::Outcome>> outcome{std::optional<RequestLog::Outcome>{}};  ///< of either kind
};
JoinAnswer read_answer(CborCursor& in);

void append_signal(std::vector<std::byte>& out, const Event& event);
void append_loss(std::vector<std::byte>& out, std::uint64_t signals);

struct RelayedSignal {
  std::uint64_t lost = 0;  ///< not 0: so many were, and the rest is empty
  std::string_view name;   ///< of the bytes that are read
  Version version = 0;
  std::uint32_t index = 0;
  Value payload;
};
RelayedSignal read_signal(CborCursor& in);

/// Why the bytes cannot be read: bad_input.
Error misread(const CborCursor& in);

}  // namespace theus
