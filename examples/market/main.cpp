// A market: two thousand traders that act on their own, each by its own clock, and a book that matches their orders one
// after the other. Each deal is one commit, so whoever looks, at whatever moment, finds all the money and all the
// shares. `market SECONDS` trades for longer.

#include <theus/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "journal_arguments.hpp"

namespace {

using namespace std::chrono_literals;
using theus::Context;
using theus::Path;
using theus::Value;

constexpr int traders = 2000;
constexpr std::int64_t cash_each = 1000;
constexpr std::int64_t shares_each = 10;
constexpr std::size_t open_orders_max = 500;

const Path accounts{"domain.accounts"};
const Path price{"domain.price"};

std::string name_of(int trader) { return "trader" + std::to_string(trader); }

/// Sends the book an order near the last price. It writes nothing, so a price that moves meanwhile is no conflict.
void trade(Context& ctx) {
  const bool buys = ctx.random().chance(0.5);
  const std::int64_t limit = std::max<std::int64_t>(1, ctx.get<std::int64_t>(price) + ctx.random().between(-5, 5));
  ctx.send("book", {{"buys", buys}, {"limit", limit}});
}

/// Moves one share and its price from one account to another, if both can.
bool deal(Context& ctx, const std::string& buyer, const std::string& seller, std::int64_t at) {
  const Path cash = accounts.key(buyer).key("cash");
  const Path shares = accounts.key(seller).key("shares");
  if (buyer == seller || ctx.get<std::int64_t>(cash) < at || ctx.get<std::int64_t>(shares) < 1)
    return false;
  ctx.increment(cash, -at);
  ctx.increment(accounts.key(seller).key("cash"), at);
  ctx.increment(shares, -1);
  ctx.increment(accounts.key(buyer).key("shares"), 1);
  ctx.increment("domain.deals");
  ctx.set(price, at);
  return true;
}

/// The book keeps the open orders as its private state. An order meets the oldest one on the other side that suits it;
/// otherwise it waits, and the oldest goes when too many do.
void match(Context& ctx) {
  const theus::AgentMessage& order = ctx.trigger().messages.front();
  const bool buys = order.content["buys"].as_bool();
  const std::int64_t limit = order.content["limit"].as_int();
  ctx.increment("domain.orders");
  Value book = ctx.agent_state();
  Value others = book[buys ? "asks" : "bids"];
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string other{others[i]["trader"].as_string()};
    const std::int64_t wanted = others[i]["limit"].as_int();
    if (buys ? wanted > limit : wanted < limit)
      continue;
    others.splice(i, 1, Value::list());
    book.set(buys ? "asks" : "bids", others);
    deal(ctx, buys ? order.sender : other, buys ? other : order.sender, wanted);
    ctx.agent_state() = book;
    return;
  }
  Value own = book[buys ? "bids" : "asks"];
  own.push_back({{"trader", order.sender}, {"limit", limit}});
  if (own.size() > open_orders_max)
    own.splice(0, 1, Value::list());
  book.set(buys ? "bids" : "asks", own);
  ctx.agent_state() = book;
}

theus::EngineOptions market(theus::JournalOptions journal) {
  theus::EngineOptions options;
  options.journal = std::move(journal);
  options.seed = 42;
  options.initial = {{price, 100}, {"domain.orders", 0}, {"domain.deals", 0}};
  for (int i = 0; i < traders; ++i)
    options.initial.push_back({accounts.key(name_of(i)), {{"cash", cash_each}, {"shares", shares_each}}});
  return options;
}

/// Whether all the money and all the shares are there.
bool is_whole(const theus::Snapshot& state) {
  const Value held = state.get(accounts).value();
  std::int64_t cash = 0;
  std::int64_t shares = 0;
  for (const auto [name, account] : held.members()) {
    cash += account["cash"].as_int();
    shares += account["shares"].as_int();
  }
  return cash == traders * cash_each && shares == traders * shares_each;
}

theus::Status open_market(theus::Engine& engine) {
  if (auto spawned = engine.spawn_agent({.name = "book",
                                         .reads = {"domain.accounts"},
                                         .writes = {"domain.accounts", "domain.price", "domain.deals", "domain.orders"},
                                         .on = {.messages = true},
                                         .backlog_max = 100'000,
                                         .state = {{"bids", Value::list()}, {"asks", Value::list()}},
                                         .body = match});
      !spawned)
    return spawned;
  return engine.spawn_agents(traders, [](std::size_t i) {
    return theus::Agent{.name = name_of(static_cast<int>(i)),
                        .reads = {"domain.price"},
                        .on = {.tick = 250ms},
                        .group = "traders",
                        .body = trade};
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto [journal, again] = examples::take_journal_arguments(argc, argv);
  if (again)
    return examples::rerun(*again, open_market);
  const int seconds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2;
  theus::Engine engine{market(journal)};
  open_market(engine).value();

  int looks = 0;
  int whole = 0;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
       std::chrono::steady_clock::now() < end; ++looks) {
    std::this_thread::sleep_for(1s);
    whole += is_whole(engine.state()) ? 1 : 0;
  }
  const auto state = engine.state();
  std::uint64_t failures = 0;
  for (const theus::AgentStatus& agent : engine.agent_status())
    failures += agent.failures;
  std::printf("%zu agents, %llu failures\n", engine.agents().size(), static_cast<unsigned long long>(failures));
  std::printf("orders placed and met: %s\n", state.get<std::int64_t>("domain.orders").value() > 0 &&
                                                     state.get<std::int64_t>("domain.deals").value() > 0
                                                 ? "yes"
                                                 : "no");
  std::printf("money and shares were all there: %s\n", whole == looks && is_whole(state) ? "at every look" : "NO");
  return whole == looks ? 0 : 1;
}
