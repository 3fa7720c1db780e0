// Transfers between accounts by many threads at once, checked at every change by somebody who watches; a correction by
// hand that leaves its reason behind; a statement that can only grow; and balances that never fall below zero, whoever
// writes them.

#include <theus/engine.hpp>

#include <cstdio>
#include <thread>

#include "journal_arguments.hpp"

namespace {

constexpr int accounts = 10;
constexpr int balance = 100;
constexpr int tellers = 4;
constexpr int transfers_each = 250;

const theus::Path all_accounts{"domain.accounts"};

theus::Path account(int number) { return all_accounts.key("no" + std::to_string(number)); }

theus::EngineOptions bank(theus::JournalOptions journal) {
  theus::EngineOptions options;
  options.journal = std::move(journal);
  options.initial = {{"const_currency", "EUR"}};
  for (int i = 0; i < accounts; ++i)
    options.initial.push_back({account(i), balance});
  options.access.overrides = {{"domain.statement", theus::PathAccess::append_only}};
  options.schema = theus::StateSchema{}.at(
      all_accounts, theus::Schema::parse("{type: object, additionalProperties: {type: integer, minimum: 0}}").value());
  return options;
}

/// Moves the amount if the account holds it. Runs again whenever another transfer was faster.
theus::Status transfer(theus::Transaction& transaction, int from, int to, int amount) {
  const int there = transaction.get<int>(account(from)).value();
  if (there < amount)
    return transaction.append("domain.statement", "refused");
  transaction.set(account(from), there - amount).value();
  transaction.set(account(to), transaction.get<int>(account(to)).value() + amount).value();
  return transaction.append("domain.statement", "done");
}

void tell(theus::Engine& engine, int teller) {
  for (int i = 0; i < transfers_each; ++i) {
    const int from = (teller + i) % accounts;
    const int to = (from + 1 + i % (accounts - 1)) % accounts;
    engine
        .transaction([&](theus::Transaction& transaction) { return transfer(transaction, from, to, 7 + i % 50); },
                     {.attempts_max = 100})
        .value();
  }
}

int sum(const theus::Snapshot& state) {
  const theus::Value held = state.get(all_accounts).value();
  int total = 0;
  for (const auto [name, amount] : held.members())
    total += static_cast<int>(amount.as_int());
  return total;
}

/// The first account that holds anything.
int funded(const theus::Snapshot& state) {
  int number = 0;
  while (state.get<int>(account(number)).value() == 0)
    ++number;
  return number;
}

/// Looks at every change until the engine ends. Returns how often money was missing.
int watch(theus::Watch accounts_watch) {
  int wrong = 0;
  while (auto change = accounts_watch.next(std::chrono::minutes{1}))
    wrong += sum(change->snapshot) == accounts * balance ? 0 : 1;
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
  int wrong = 0;
  std::jthread auditor;
  theus::Engine engine{bank(examples::take_journal_arguments(argc, argv).journal)};
  auditor = std::jthread{
      [&wrong, watched = engine.watch({all_accounts}).value()]() mutable { wrong = watch(std::move(watched)); }};

  std::vector<std::jthread> threads;
  for (int teller = 0; teller < tellers; ++teller)
    threads.emplace_back([&engine, teller] { tell(engine, teller); });
  threads.clear();

  const auto currency = engine.state().data().get<std::string>("const_currency").value();
  std::printf("%d %s in %d accounts after %zu transfers\n", sum(engine.state()), currency.c_str(), accounts,
              engine.state().find("domain.statement")->size());

  theus::Transaction correction = engine.edit("booked to the wrong account").value();
  const int wronged = funded(engine.state());
  correction.increment(account(wronged), -1).value();
  correction.increment(account((wronged + 1) % accounts), 1).value();
  correction.commit().value();
  for (const theus::AuditEntry& entry : engine.audit_log())
    std::printf("audit log: %s, %s\n", std::string{theus::to_string(entry.kind)}.c_str(), entry.reason.c_str());

  const auto refused = engine.compare_and_swap(engine.version(), {theus::Write::erase("domain.statement")});
  std::printf("%s\n", refused.error().text().c_str());
  const auto overdrawn = engine.compare_and_swap(engine.version(), {{account(3), -1}});
  std::printf("%s\n", overdrawn.error().text().c_str());

  engine.shutdown(std::chrono::seconds{10}).value();
  auditor.join();
  std::printf("states with money missing: %d\n", wrong);
}
