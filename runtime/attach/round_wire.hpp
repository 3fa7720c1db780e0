#pragma once

// What the owner and a process that joined say to each other about rounds (in the manner of join_wire.hpp, among its
// messages). The owner has all agents, their private states and their messages; another process that has agents of the
// same names and contracts can step them for it.
//
//   to the owner
//     offer    pid, then for each agent: number, name, contract     it can step these; once more: these instead
//     stepped  epoch, share, then 0 and for each agent a step       in the order of the share
//                          or then 1, error                         the share as a whole is given back
//   to the one who joined
//     hosting  agents                                               how many of those offered the owner has alike
//     share    share, version, seed, time, execution, then for each agent: number, state, messages
//
//   step     = 0, [write, ...], [signal, ...], [message, ...], state  or  1, error
//   messages = [[sender, content], ...] in a share, [[agent, content], ...] in a step
//   state    = []: as it was  or  [value]
//
// A share is a stretch of one round: its agents follow each other in the order of the round, and take executions from
// the first one on. They read the state of exactly that version. Shares have numbers that one run of the owner uses
// once, so what came of a share that was given to somebody else since is told apart. Writes and signals are those of
// commit_record.hpp; times are nanoseconds since 1970, UTC.

#include "runtime/cbor_stream.hpp"
#include "runtime/commit_record.hpp"
#include "runtime/execution.hpp"

#include <chrono>

namespace theus {

struct OfferedAgent {
  std::uint64_t number = 0;  ///< of the one who offers it, used once
  std::string name;
  std::uint64_t contract = 0;  ///< its hash

  friend bool operator==(const OfferedAgent&, const OfferedAgent&) = default;
};

struct ShareAgent {
  std::uint64_t number = 0;  ///< under which it was offered
  Value state{};
  std::vector<AgentMessage> messages{};
};

struct RoundShare {
  std::uint64_t number = 0;
  Version version = 0;
  std::uint64_t seed = 0;
  std::chrono::system_clock::time_point time{};
  std::uint64_t first_execution = 0;
  std::vector<ShareAgent> agents{};
  std::string epoch{};  ///< not part of the message: the run of the owner that it came from
};

/// What came of one agent's step.
struct AgentStep {
  std::vector<Write> writes{};
  std::vector<Signal> signals{};
  std::vector<OutgoingMessage> messages{};
  std::optional<Value> state{};  ///< nothing: as it was
};

struct ShareAnswer {
  std::uint64_t number = 0;
  std::optional<Error> returned{};  ///< why it was given back
  std::vector<Result<AgentStep>> steps{};
};

/// Of one share; what would be longer is cut in two by the owner. Of an answer: submission_bytes_max.
inline constexpr std::size_t share_bytes_wanted = std::size_t{1} << 20;
/// Of one share.
inline constexpr std::size_t share_agents_max = 4096;

/// Whether the other side could read it: bodies leave values, and throw texts, that no message may hold.
bool may_travel(const ShareAgent& agent);
bool may_travel(const Result<AgentStep>& step);

void append_offer(std::vector<std::byte>& out, std::uint64_t pid, std::span<const OfferedAgent> agents);
struct RoundOffer {
  std::uint64_t pid = 0;
  std::vector<OfferedAgent> agents;
};
RoundOffer read_offer(CborCursor& in);

/// All but the agents.
void append_share(std::vector<std::byte>& out, const RoundShare& share);
void append_share_agent(std::vector<std::byte>& out, const ShareAgent& agent);
RoundShare read_share(CborCursor& in);

void append_returned(std::vector<std::byte>& out, std::uint64_t share, const Error& why);
/// All but the steps.
void append_stepped(std::vector<std::byte>& out, std::uint64_t share);
void append_step(std::vector<std::byte>& out, const Result<AgentStep>& step);
ShareAnswer read_answered_share(CborCursor& in, PathCache& paths);

}  // namespace theus
