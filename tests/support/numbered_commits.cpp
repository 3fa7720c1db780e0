#include "tests/support/numbered_commits.hpp"

#include <theus/replay.hpp>

namespace theus::testing::numbered {
namespace {

constexpr int requests_every = 3;
constexpr int audits_every = 4;
constexpr int texts_every = 7;

std::string key_of(int number) { return "k" + std::to_string(number); }
bool has_audit(int number) { return number % audits_every == 0; }

}  // namespace

std::optional<Request> request_of(int number) {
  if (number % requests_every != 0)
    return std::nullopt;
  return Request{"request-" + std::to_string(number), static_cast<std::uint64_t>(number), number};
}

Outcome commit(JournalledTurn& turn, int number) {
  std::vector<Write> writes{Write::set(Path{"domain.one." + key_of(number)}, number),
                            Write::set(Path{"domain.two." + key_of(number)}, number),
                            Write::increment("domain.sum", 1)};
  if (number % texts_every == 0)
    writes.push_back(
        Write::set(Path{"domain.text." + key_of(number)}, std::string(9000, static_cast<char>('a' + number % 26))));
  const auto request = request_of(number);
  const AuditEntry audit{.kind = AuditEntry::Kind::edit, .who = "client", .reason = key_of(number)};
  return turn.turn().commit(ProposalView{
      .writes = writes, .request = request ? &*request : nullptr, .audit = has_audit(number) ? &audit : nullptr});
}

std::set<int> present(JournalledTurn& turn) {
  std::set<int> numbers;
  const Value found = turn.at("domain.one");
  if (!found.is_null())
    for (const auto& [key, item] : found.members())
      numbers.insert(static_cast<int>(item.as_int()));
  return numbers;
}

std::string complaint(JournalledTurn& turn, const std::map<int, Version>& acknowledged) {
  const std::set<int> numbers = present(turn);
  const auto count = static_cast<std::int64_t>(numbers.size());
  if (turn.at("domain.one") != turn.at("domain.two"))
    return "a commit is there by half";
  if (count > 0 && turn.at("domain.sum") != Value{count})
    return "the sum is not that of the commits that are there";
  if (turn.turn().version() != numbers.size())
    return "version " + std::to_string(turn.turn().version()) + " with " + std::to_string(count) + " commits";
  std::set<Version> versions;
  for (const auto& [number, version] : acknowledged) {
    if (!numbers.contains(number))
      return "commit " + std::to_string(number) + " was acknowledged and is lost";
    if (!versions.insert(version).second || version > turn.turn().version())
      return "version " + std::to_string(version) + " was told twice or is not there";
  }
  std::set<std::string> audited;
  // On a connection of its own: that of the journal belongs to whoever writes.
  for (const AuditEntry& entry : audit_log_of(turn.path(), 10'000).value())
    if (!audited.insert(entry.reason).second)
      return "audit entry " + entry.reason + " is there twice";
  for (const int number : numbers) {
    if (has_audit(number) != audited.contains(key_of(number)))
      return "the audit entry of commit " + std::to_string(number) + " is missing";
    const auto request = request_of(number);
    if (!request)
      continue;
    const auto outcome = turn.turn().request_outcome(*request).value();
    const auto told = acknowledged.find(number);
    if (!outcome || (told != acknowledged.end() && outcome->version != told->second))
      return "the request of commit " + std::to_string(number) + " is forgotten";
  }
  return audited.size() <= numbers.size() ? std::string{} : "there are audit entries of commits that are not there";
}

}  // namespace theus::testing::numbered
