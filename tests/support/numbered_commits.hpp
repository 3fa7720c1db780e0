#pragma once

#include "tests/support/journalled_turn.hpp"

#include <map>
#include <set>

namespace theus::testing {

/// Commits that can be told apart afterwards: number n leaves a mark of its own in two places, adds 1 to a sum, and is,
/// by its number, a request, or has an entry of the audit log, or a text of some pages.
namespace numbered {

Outcome commit(JournalledTurn& turn, int number);
/// The request that the commit is, if it is one.
std::optional<Request> request_of(int number);
/// Which numbers the state holds.
std::set<int> present(JournalledTurn& turn);
/// What is wrong with the state, given what clients were told: every commit is there whole or not at all, each makes
/// one version, those that were acknowledged are there, and requests and audit entries go with them. Empty: nothing.
std::string complaint(JournalledTurn& turn, const std::map<int, Version>& acknowledged);

}  // namespace numbered
}  // namespace theus::testing
