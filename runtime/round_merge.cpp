#include "runtime/round_merge.hpp"

#include <unordered_map>

namespace theus {
namespace {

bool is_commutative(Write::Kind kind) noexcept {
  return kind == Write::Kind::append || kind == Write::Kind::increment || kind == Write::Kind::max ||
         kind == Write::Kind::insert;
}

// Running hashes of the prefixes of a path, so that overlaps are found without making the prefixes.
std::uint64_t extend(std::uint64_t hash, const Segment& segment) noexcept {
  const std::uint64_t step = segment.is_index() ? ~segment.hash : segment.hash;
  return (hash ^ step) * 0x9e3779b97f4a7c15ULL + (hash >> 29);
}

class Claims {
public:
  /// The index of an earlier agent that this write collides with, or -1.
  std::ptrdiff_t claim(const Write& write, std::ptrdiff_t agent) {
    const auto segments = write.path.segments();
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      hash = extend(hash, segments[i]);
      if (const auto above = written_.find(hash); above != written_.end() && above->second.agent != agent)
        return above->second.agent;
      passed_.emplace(hash, agent);
    }
    hash = extend(hash, segments.back());
    if (const auto below = passed_.find(hash); below != passed_.end() && below->second != agent)
      return below->second;
    const bool commutative = is_commutative(write.kind);
    const auto [known, fresh] = written_.emplace(hash, Claim{agent, commutative});
    if (!fresh && known->second.agent != agent && !(known->second.commutative && commutative))
      return known->second.agent;
    return -1;
  }

private:
  struct Claim {
    std::ptrdiff_t agent;
    bool commutative;
  };

  std::unordered_map<std::uint64_t, Claim> written_;
  std::unordered_map<std::uint64_t, std::ptrdiff_t>
      passed_;  // ancestors of written paths, by the first who wrote below
};

}  // namespace

Result<Proposal> merge_round(Version base, std::span<const RoundPart> parts) {
  Proposal whole;
  whole.base = base;
  Claims claims;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (Write& write : parts[i].proposal->writes) {
      if (const auto other = claims.claim(write, static_cast<std::ptrdiff_t>(i)); other >= 0)
        return Error{Errc::contract_violation, write.path.text(),
                     "round_overlap: the agents '" + *parts[static_cast<std::size_t>(other)].agent + "' and '" +
                         *parts[i].agent + "' both write it in one round",
                     "Give each agent paths of its own, or use increment, append, max or insert"}
            .with("rule", "round_overlap")
            .with("path", write.path.text())
            .with("process", *parts[i].agent);
      whole.writes.push_back(std::move(write));
    }
    whole.standing.join(parts[i].proposal->standing);
    for (Signal& signal : parts[i].proposal->signals)
      whole.signals.push_back(std::move(signal));
    *parts[i].proposal = {};
  }
  return whole;
}

}  // namespace theus
