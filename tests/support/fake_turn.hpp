#pragma once

#include "tests/support/history.hpp"

#include <map>
#include <random>
#include <string_view>

namespace theus::testing {

/// What a state showed at one version: what is present below each path asked for.
struct Observation {
  std::uint64_t version;
  std::vector<std::vector<Seen>> seen;
};

/// What a state answered to a swap.
struct Answer {
  Operation::Outcome outcome;
  std::uint64_t version;
  PathId path = no_path;
};

/// A versioned state made plainly, with one bug at will, to see that the judge finds it.
class FakeTurn {
public:
  enum class Bug {
    none,
    lost_update,         // a swap overtakes another change of its path
    write_skew,          // what a swap read is not checked
    phantom,             // of a subtree only the leaves that stood at the base are checked
    forgotten_erasure,   // an absent path counts as unchanged
    double_commit,       // a swap is carried out twice
    skipped_version,     // a version is given to nobody
    shared_version,      // two swaps get one version
    causeless_mismatch,  // a swap is refused for nothing
    wrong_cause,         // a mismatch names an older change than the newest
    stale_read,          // a read gives an older version
    torn_read,           // a read mixes two versions
    late_commit,         // a swap is acknowledged before it is carried out
    half_commit,         // one change of a swap is left out
    refused_but_done,    // a mismatch is answered and the swap carried out
    lost_increment,      // an increment starts from the value at its base
    repeated_request,    // a request without an answer is carried out once more, later
  };
  static constexpr int bugs = static_cast<int>(Bug::repeated_request);

  FakeTurn(const History& shape, Bug bug, unsigned seed) : shape_(shape), bug_(bug), random_(seed), states_(1) {}

  Observation observe(std::span<const PathId> paths);
  Answer swap(const History::Wish& wish);
  /// The answer of the swap before did not reach its client.
  void lose_answer();

private:
  using Present = std::map<PathId, std::int64_t>;

  bool strikes(Bug bug, unsigned one_in = 3) { return bug_ == bug && random_() % one_in == 0; }
  std::uint64_t version() const { return states_.size() - 1; }
  Present below(PathId path, std::uint64_t version) const;
  std::uint64_t newest_change(PathId path) const;
  Answer refusal(const History::Wish& wish);
  Answer checked(PathId path, std::uint64_t base, bool is_read);
  Present changed(const History::Wish& wish);
  void carry_out_late();

  const History& shape_;
  const Bug bug_;
  std::mt19937 random_;
  std::vector<Present> states_;  // by version
  std::vector<Change> last_;     // of the swap before
  std::vector<Change> late_;     // acknowledged, not carried out
};

std::string_view to_string(FakeTurn::Bug bug) noexcept;

}  // namespace theus::testing
