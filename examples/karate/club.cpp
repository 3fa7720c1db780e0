#include "club.hpp"

#include <algorithm>
#include <cmath>

namespace karate {
namespace {

using theus::Context;
using theus::Path;
using theus::Value;

constexpr int members = 34;
constexpr int instructor = 1;
constexpr int officer = 34;

std::string name_of(int member) { return "member_" + std::to_string(member); }

const Path& club() {
  static const Path path{"domain.club"};
  return path;
}

double opinion_of(const Context& ctx, std::string_view name) {
  return ctx.get<double>(club().key(name).key("opinion"), 0.0);
}

/// The neighbours of a member, each with the number of contexts in which the two meet.
Value neighbours_of(std::string_view name, const Value& ties) {
  Value neighbours = Value::map();
  for (const Value& tie : ties.items()) {
    const std::string a = name_of(tie["member_a"].get<int>().value());
    const std::string b = name_of(tie["member_b"].get<int>().value());
    if (a == name || b == name)
      neighbours.set(a == name ? b : a, tie["contexts"]);
  }
  return neighbours;
}

/// An agent's turn: takes over the mean opinion of those it meets, weighted by how often.
Value listen(Context& ctx) {
  if (ctx.agent_state().is_null())
    ctx.agent_state() = neighbours_of(ctx.name(), ctx.get("domain.ties"));

  double heard = 0;
  double contexts = 0;
  for (const auto [neighbour, weight] : ctx.agent_state().members()) {
    heard += weight.as_number() * opinion_of(ctx, neighbour);
    contexts += weight.as_number();
  }
  const double before = opinion_of(ctx, ctx.name());
  const double after = contexts > 0 ? heard / contexts : before;
  return {{"opinion", after}, {"move", std::abs(after - before)}};
}

/// The two leaders keep to the opinion that the workflow gave them.
void insist(Context&) {}

std::tuple<int, double> measure(Context& ctx) {
  const Value opinions = ctx.get(club());
  double largest = 0;
  for (const auto [name, member] : opinions.members())
    largest = std::max(largest, member["move"].as_double());
  return {ctx.get<int>("domain.round", 0) + 1, largest};
}

theus::Agent member(int number) {
  const bool leads = number == instructor || number == officer;
  return {.name = name_of(number),
          .reads = {"domain.ties", "domain.club"},
          .writes = {club().key(name_of(number)).text()},
          .body = leads ? theus::Body{insist} : theus::Body{listen}};
}

}  // namespace

theus::Status found_club(theus::Engine& engine) {
  if (auto registered = engine.register_process({.name = "measure",
                                                 .inputs = {"domain.club", "domain.round"},
                                                 .outputs = {"domain.round", "domain.largest_move"},
                                                 .semantic = theus::Semantic::pure,
                                                 .body = measure});
      !registered)
    return registered;
  return engine.spawn_agents(members, [](std::size_t i) { return member(static_cast<int>(i) + 1); });
}

std::size_t Verdict::right() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members, [](const Member& m) { return m.predicted == m.recorded; }));
}

theus::Result<Verdict> judge(const theus::Snapshot& state) {
  Verdict verdict;
  const auto recorded = state.get("domain.members");
  const auto rounds = state.get<int>("domain.round");
  const auto largest_move = state.get<double>("domain.largest_move");
  if (!recorded)
    return recorded.error();
  if (!rounds)
    return rounds.error();
  if (!largest_move)
    return largest_move.error();
  for (const Value& row : recorded->items()) {
    const int number = row["member"].get<int>().value();
    const double opinion = state.get<double>(club().key(name_of(number)).key("opinion"), 0.0).value();
    verdict.members.push_back(
        {number, opinion, opinion > 0 ? "instructor" : "officer", row["faction"].get<std::string>().value()});
  }
  verdict.rounds = *rounds;
  verdict.largest_move = *largest_move;
  return verdict;
}

}  // namespace karate
