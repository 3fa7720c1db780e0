#include "runtime/supervision_tree.hpp"

namespace theus {
namespace {

using Decision = RestartPolicy::Decision;

/// The group above, or nothing at the top.
std::string_view above(std::string_view group) noexcept {
  const std::size_t dot = group.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : group.substr(0, dot);
}

}  // namespace

void SupervisionTree::set_terms(std::string_view group, Terms terms) {
  groups_.insert_or_assign(std::string{group}, RestartPolicy{terms.times, terms.within});
}

SupervisionTree::Verdict SupervisionTree::failed(Agent agent, Terms terms, std::string_view group, Time now) {
  if (agents_.try_emplace(agent, terms.times, terms.within).first->second.died(now) == Decision::restart)
    return {};
  if (group.empty())
    return {Verdict::Kind::stop_agent};
  agents_.erase(agent);
  for (std::string_view at = group;; at = above(at)) {
    auto found = groups_.find(at);
    if (found == groups_.end())
      found = groups_.try_emplace(std::string{at}, default_group_terms.times, default_group_terms.within).first;
    if (found->second.died(now) == Decision::restart)
      return {Verdict::Kind::restart_group, std::string{at}};
    if (above(at).empty()) {
      found->second.forget();
      return {Verdict::Kind::stop_group, std::string{at}};
    }
  }
}

bool SupervisionTree::includes(std::string_view group, std::string_view other) noexcept {
  return other.starts_with(group) && (other.size() == group.size() || other[group.size()] == '.');
}

}  // namespace theus
