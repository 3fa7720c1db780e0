#include "runtime/topic_table.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>

namespace theus {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
}

}  // namespace

void RateLimit::set(std::uint64_t per_second) noexcept {
  interval_ = per_second == 0 ? 0
                              : std::max<std::int64_t>(
                                    1, second / static_cast<std::int64_t>(std::min<std::uint64_t>(per_second, second)));
  due_ = 0;
}

bool RateLimit::pass(std::int64_t now_ns) noexcept {
  const std::int64_t interval = interval_.load(std::memory_order_relaxed);
  if (interval == 0)
    return true;
  // The generic cell rate algorithm: a burst of one second's passes may run ahead of its due time.
  std::int64_t due = due_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(due, now_ns) + interval;
    if (next - now_ns > std::max(second, interval))
      return false;
    if (due_.compare_exchange_weak(due, next, std::memory_order_relaxed))
      return true;
  }
}

Topic::Topic(std::uint32_t number, std::string_view content)
    : id(number), hash(std::hash<std::string_view>{}(content)), text(content), name(TopicTable::name_of(content)) {}

TopicTable::TopicTable(std::size_t topics_max) : topics_max_(topics_max) {
  indexes_.push_back(std::make_unique<Index>(16));
  index_ = indexes_.back().get();
}

const Topic* TopicTable::intern(std::string_view name) {
  const std::size_t hash = std::hash<std::string_view>{}(name);
  if (const Topic* known = find(name, hash)) [[likely]]
    return known;
  const std::lock_guard lock{change_};
  if (const Topic* known = find(name, hash))
    return known;
  if (topics_.size() == topics_max_ || name.size() > name_bytes_max)
    return nullptr;
  const Topic& topic = topics_.emplace_back(static_cast<std::uint32_t>(topics_.size() + 1), name);
  for (const Rule& rule : rules_)
    if (rule.pattern.matches(name))
      topic.limit.set(rule.per_second);
  if (2 * topics_.size() > index_.load()->topics.size())
    grow();
  else
    add_to(*index_.load(), topic);
  return &topic;
}

const Topic& TopicTable::at(std::uint32_t id) const {
  const std::lock_guard lock{change_};
  return topics_[id - 1];
}

std::size_t TopicTable::size() const {
  const std::lock_guard lock{change_};
  return topics_.size();
}

bool TopicTable::pass(const Topic* topic, std::string_view name) {
  if (topic != nullptr) [[likely]]
    return !topic->limit.is_set() || topic->limit.pass(now());
  if (!has_rules_.load())
    return true;
  const std::lock_guard lock{change_};
  for (Rule& rule : rules_ | std::views::reverse)
    if (rule.pattern.matches(name))
      return rule.not_interned.pass(now());
  return true;
}

bool TopicTable::limit(std::string_view pattern, std::uint64_t per_second) {
  const std::lock_guard lock{change_};
  std::erase_if(rules_, [&](const Rule& rule) { return rule.pattern.text() == pattern; });
  if (rules_.size() == limits_max)
    return false;
  Rule& rule = rules_.emplace_back();
  rule.pattern = NamePattern{pattern};
  rule.per_second = per_second;
  rule.not_interned.set(per_second);
  for (const Topic& topic : topics_)
    if (rule.pattern.matches(topic.text))
      topic.limit.set(per_second);
  has_rules_ = true;
  return true;
}

const Topic* TopicTable::find(std::string_view name, std::size_t hash) const noexcept {
  const Index& index = *index_.load(std::memory_order_acquire);  // pairs with the store in grow()
  for (std::size_t at = hash & index.mask;; at = (at + 1) & index.mask) {
    const Topic* topic = index.topics[at].load(std::memory_order_acquire);  // pairs with the store in add_to()
    if (topic == nullptr || (topic->hash == hash && topic->text == name))
      return topic;
  }
}

void TopicTable::add_to(Index& index, const Topic& topic) noexcept {
  std::size_t at = topic.hash & index.mask;
  while (index.topics[at].load(std::memory_order_relaxed) != nullptr)
    at = (at + 1) & index.mask;
  index.topics[at].store(&topic, std::memory_order_release);
}

void TopicTable::grow() {
  auto larger = std::make_unique<Index>(2 * index_.load()->topics.size());
  for (const Topic& topic : topics_)
    add_to(*larger, topic);
  indexes_.push_back(std::move(larger));
  index_.store(indexes_.back().get(), std::memory_order_release);
}

}  // namespace theus
