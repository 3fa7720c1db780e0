#include "runtime/round_merge.hpp"

#include <bit>
#include <optional>

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

/// Who wrote at a path first, and who was the first to write below it. The agents come one after the other: who is
/// the first and comes again is still the only one.
struct Claim {
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  std::uint64_t hash = 0;
  std::uint32_t writer = nobody;
  std::uint32_t below = nobody;
  bool is_commutative = false;

  bool is_free() const noexcept { return writer == nobody && below == nobody; }
};

/// The claims by the hash of their path. One flat table with linear probing, because a round looks up as often as its
/// agents write.
class Claims {
public:
  explicit Claims(std::size_t writes) : table_(std::bit_ceil(2 * writes + 16)) {}

  /// An earlier agent that this write collides with, if any.
  std::optional<std::uint32_t> claim(const Write& write, std::uint32_t agent) {
    const auto segments = write.path.segments();
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      hash = extend(hash, segments[i]);
      Claim& above = at(hash);
      if (above.writer != Claim::nobody && above.writer != agent)
        return above.writer;
      if (above.below == Claim::nobody)
        take(above).below = agent;
    }
    if (!segments.empty())
      hash = extend(hash, segments.back());
    Claim& own = at(hash);
    if (own.below != Claim::nobody && own.below != agent)
      return own.below;
    const bool commutative = is_commutative(write.kind);
    if (own.writer == Claim::nobody) {
      Claim& taken = take(own);
      taken.writer = agent;
      taken.is_commutative = commutative;
      return std::nullopt;
    }
    if (own.writer != agent && !(own.is_commutative && commutative))
      return own.writer;
    own.is_commutative &= commutative;
    return std::nullopt;
  }

private:
  Claim& at(std::uint64_t hash) noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t position = static_cast<std::size_t>(hash ^ (hash >> 32)) & mask;
    while (!table_[position].is_free() && table_[position].hash != hash)
      position = (position + 1) & mask;
    table_[position].hash = hash;
    return table_[position];
  }

  /// The claim, about to be taken; the table grows before it is more than half full.
  Claim& take(Claim& claim) {
    if (!claim.is_free())
      return claim;
    if (2 * ++taken_ <= table_.size())
      return claim;
    const std::uint64_t hash = claim.hash;
    std::vector<Claim> before(2 * table_.size());
    std::swap(before, table_);
    for (const Claim& each : before)
      if (!each.is_free())
        at(each.hash) = each;
    return at(hash);
  }

  std::vector<Claim> table_;
  std::size_t taken_ = 0;
};

Error overlap(const Write& write, const std::string& one, const std::string& other) {
  return Error{Errc::contract_violation, write.path.text(),
               "round_overlap: the agents '" + one + "' and '" + other + "' both write it in one round",
               "Give each agent paths of its own, or use increment, append, max or insert"}
      .with("rule", "round_overlap")
      .with("path", write.path.text())
      .with("process", other);
}

}  // namespace

Result<Proposal> merge_round(Version base, std::span<const RoundPart> parts,
                             const std::function<std::string(std::size_t)>& name_of) {
  std::size_t writes = 0;
  for (const RoundPart& part : parts)
    writes += part.writes.size();
  Proposal whole;
  whole.base = base;
  whole.writes.reserve(writes);
  Claims claims{writes};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (Write& write : parts[i].writes) {
      if (const auto other = claims.claim(write, static_cast<std::uint32_t>(i)))
        return overlap(write, name_of(*other), name_of(i));
      whole.writes.push_back(std::move(write));
    }
    if (parts[i].standing != nullptr)
      whole.standing.join(*parts[i].standing);
    if (parts[i].signals == nullptr)
      continue;
    for (Signal& signal : *parts[i].signals)
      whole.signals.push_back(std::move(signal));
    parts[i].signals->clear();
  }
  return whole;
}

}  // namespace theus
