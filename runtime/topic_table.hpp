#pragma once

// Interned signal names: a number for every name, found without locks.
//
// Invariants: (1) A topic never moves, changes its name or disappears while the table lives. (2) The index is an
// open-addressing table at most half full; growing publishes a larger one and keeps the former for late readers.

#include "runtime/name_pattern.hpp"

#include <theus/signal_event.hpp>

#include <atomic>
#include <deque>
#include <list>
#include <mutex>

namespace theus {

/// At most so many passes per second, after a burst of as many. Thread-safe; time is in nanoseconds of any clock.
class RateLimit {
public:
  void set(std::uint64_t per_second) noexcept;
  bool is_set() const noexcept { return interval_.load(std::memory_order_relaxed) != 0; }
  bool pass(std::int64_t now) noexcept;

private:
  std::atomic<std::int64_t> interval_{0};  // between passes; 0 = no limit
  std::atomic<std::int64_t> due_{0};       // when all passes so far would have been due
};

struct Topic {
  Topic(std::uint32_t number, std::string_view text);

  const std::uint32_t id;  // from 1
  const std::size_t hash;
  const std::string text;
  const SignalName name;
  mutable RateLimit limit;
};

class TopicTable {
public:
  static constexpr std::size_t name_bytes_max = 255;
  static constexpr std::size_t limits_max = 1024;

  explicit TopicTable(std::size_t topics_max);

  /// The topic of that name, interned now if need be; nullptr when the table is full or the name too long.
  const Topic* intern(std::string_view name);
  /// REQUIRES: the id of an interned topic.
  const Topic& at(std::uint32_t id) const;
  std::size_t size() const;

  /// Whether one more event of that name may pass. `topic` is nullptr for names that are not interned, which share
  /// one budget per rule.
  bool pass(const Topic* topic, std::string_view name);
  /// False when there are too many rules.
  bool limit(std::string_view pattern, std::uint64_t per_second);

  static SignalName name_of(std::string_view text) { return SignalName{text}; }

private:
  struct Index {
    explicit Index(std::size_t slots) : mask(slots - 1), topics(slots) {}
    const std::size_t mask;
    std::vector<std::atomic<const Topic*>> topics;
  };
  struct Rule {
    NamePattern pattern;
    std::uint64_t per_second = 0;
    RateLimit not_interned;
  };

  const Topic* find(std::string_view name, std::size_t hash) const noexcept;
  void add_to(Index& index, const Topic& topic) noexcept;
  void grow();

  const std::size_t topics_max_;
  mutable std::mutex change_;  // guards all that follows, except reading index_
  std::deque<Topic> topics_;
  std::list<Rule> rules_;
  std::vector<std::unique_ptr<Index>> indexes_;
  std::atomic<Index*> index_;
  std::atomic<bool> has_rules_{false};
};

}  // namespace theus
