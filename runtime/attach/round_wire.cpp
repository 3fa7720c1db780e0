#include "runtime/attach/round_wire.hpp"

#include "runtime/attach/wire.hpp"
#include "runtime/cbor_time.hpp"

#include <theus/limits.hpp>

#include <algorithm>

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

enum class Outcome : std::uint8_t { done = 0, failed = 1 };

void append_list(Bytes& out, std::size_t items) { append_cbor_head(out, CborMajor::array, items); }
void append(Bytes& out, Outcome outcome) { append_cbor_number(out, static_cast<std::uint64_t>(outcome)); }

void append_text_and_value(Bytes& out, std::string_view text, const Value& value) {
  append_list(out, 2);
  append_cbor_text(out, text);
  append_cbor(out, value);
}

/// Reads a list of pairs [text, value].
template <class Take>
void read_texts_and_values(CborCursor& in, const Take& take) {
  for (std::size_t left = in.list(); left > 0 && in.failure() == nullptr; --left) {
    if (in.list() != 2)
      in.fail("a pair was expected");
    std::string text{in.text()};
    Value value = in.value();
    if (in.failure() == nullptr)
      take(std::move(text), std::move(value));
  }
}

AgentStep read_done_step(CborCursor& in, PathCache& paths) {
  AgentStep step;
  step.writes = read_writes(in, paths);
  read_texts_and_values(in, [&](std::string name, Value payload) {
    step.signals.push_back({std::move(name), std::move(payload)});
  });
  read_texts_and_values(in, [&](std::string agent, Value content) {
    step.messages.push_back({std::move(agent), std::move(content)});
  });
  const std::size_t states = in.list();
  if (states > 1)
    in.fail("a step leaves one state at most");
  else if (states == 1)
    step.state = in.value();
  return step;
}

bool is_readable(const Value& value) { return check_limits(value).ok(); }

}  // namespace

bool may_travel(const ShareAgent& agent) {
  return is_readable(agent.state) && std::ranges::all_of(agent.messages, is_readable, &AgentMessage::content);
}

bool may_travel(const Result<AgentStep>& step) {
  if (!step)
    return is_readable(to_wire(step.error()));
  return std::ranges::all_of(step->writes, is_readable, &Write::value) &&
         std::ranges::all_of(step->signals, is_readable, &Signal::payload) &&
         std::ranges::all_of(step->messages, is_readable, &OutgoingMessage::content) &&
         (!step->state || is_readable(*step->state));
}

void append_offer(Bytes& out, std::uint64_t pid, std::span<const OfferedAgent> agents) {
  append_cbor_number(out, pid);
  for (const OfferedAgent& agent : agents) {
    append_cbor_number(out, agent.number);
    append_cbor_text(out, agent.name);
    append_cbor_number(out, agent.contract);
  }
}

RoundOffer read_offer(CborCursor& in) {
  RoundOffer offer{.pid = in.number(), .agents = {}};
  while (in.failure() == nullptr && !in.is_at_end()) {
    OfferedAgent& agent = offer.agents.emplace_back(in.number());
    agent.name = in.text();
    agent.contract = in.number();
  }
  return offer;
}

void append_share(Bytes& out, const RoundShare& share) {
  append_cbor_number(out, share.number);
  append_cbor_number(out, share.version);
  append_cbor_number(out, share.seed);
  append_cbor_time(out, share.time);
  append_cbor_number(out, share.first_execution);
}

void append_share_agent(Bytes& out, const ShareAgent& agent) {
  append_cbor_number(out, agent.number);
  append_cbor(out, agent.state);
  append_list(out, agent.messages.size());
  for (const AgentMessage& message : agent.messages)
    append_text_and_value(out, message.sender, message.content);
}

RoundShare read_share(CborCursor& in) {
  RoundShare share;
  share.number = in.number();
  share.version = in.number();
  share.seed = in.number();
  share.time = read_cbor_time(in);
  share.first_execution = in.number();
  while (in.failure() == nullptr && !in.is_at_end()) {
    ShareAgent agent{.number = in.number()};
    agent.state = in.value();
    read_texts_and_values(in, [&](std::string sender, Value content) {
      agent.messages.push_back({std::move(sender), std::move(content)});
    });
    share.agents.push_back(std::move(agent));
  }
  return share;
}

void append_returned(Bytes& out, std::uint64_t share, const Error& why) {
  append_cbor_number(out, share);
  append(out, Outcome::failed);
  append_cbor(out, to_wire(why));
}

void append_stepped(Bytes& out, std::uint64_t share) {
  append_cbor_number(out, share);
  append(out, Outcome::done);
}

void append_step(Bytes& out, const Result<AgentStep>& step) {
  append(out, step ? Outcome::done : Outcome::failed);
  if (!step)
    return append_cbor(out, to_wire(step.error()));
  append_writes(out, step->writes);
  append_list(out, step->signals.size());
  for (const Signal& signal : step->signals)
    append_text_and_value(out, signal.name, signal.payload);
  append_list(out, step->messages.size());
  for (const OutgoingMessage& message : step->messages)
    append_text_and_value(out, message.agent, message.content);
  append_list(out, step->state ? 1 : 0);
  if (step->state)
    append_cbor(out, *step->state);
}

ShareAnswer read_answered_share(CborCursor& in, PathCache& paths) {
  ShareAnswer answer;
  answer.number = in.number();
  switch (static_cast<Outcome>(in.number())) {
    case Outcome::done: break;
    case Outcome::failed: answer.returned = error_from_wire(in.value()); return answer;
    default: in.fail("the kind of an answer is unknown"); return answer;
  }
  while (in.failure() == nullptr && !in.is_at_end()) {
    switch (static_cast<Outcome>(in.number())) {
      case Outcome::done: answer.steps.emplace_back(read_done_step(in, paths)); break;
      case Outcome::failed: answer.steps.emplace_back(error_from_wire(in.value())); break;
      default: in.fail("the kind of a step is unknown");
    }
  }
  return answer;
}

}  // namespace theus
