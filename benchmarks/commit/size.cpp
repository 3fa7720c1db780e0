#include "benchmarks/commit/cases.hpp"

#include <theus/engine.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

namespace theus::bench {
namespace {

constexpr std::size_t copied_keys = 10'000;

// `breadth` keys at each of three levels, and all paths of three keys in random order.
class DeepState {
public:
  explicit DeepState(int breadth) {
    for (int a = 0; a < breadth; ++a)
      for (int b = 0; b < breadth; ++b)
        for (int c = 0; c < breadth; ++c)
          paths_.push_back(Path{"group" + std::to_string(a)}.key("part" + std::to_string(b)).key(std::to_string(c)));
    std::vector<Write> writes;
    for (const Path& path : paths_) {
      writes.push_back(Write::set(path, 0));
      if (writes.size() == 1000 || &path == &paths_.back()) {
        engine_.compare_and_swap(engine_.version(), writes).value();
        writes.clear();
      }
    }
    std::ranges::shuffle(paths_, std::mt19937_64{1});
  }

  double commit_ns() {
    return 1e9 / per_second([&] {
             const Path& path = paths_[next_++ % paths_.size()];
             engine_.compare_and_swap(engine_.version(), {Write::set(path, static_cast<std::int64_t>(next_))}).value();
           });
  }

private:
  Engine engine_;
  std::vector<Path> paths_;
  std::size_t next_ = 0;
};

using FlatMap = std::unordered_map<std::string, std::int64_t>;

FlatMap flat_map() {
  FlatMap map;
  for (std::size_t i = 0; i < copied_keys; ++i)
    map["key" + std::to_string(i)] = 0;
  return map;
}

}  // namespace

void million_keys(Case& subject) {
  subject.ours([state = std::make_shared<DeepState>(100)] { return state->commit_ns(); });
  subject.peer("1k keys", [state = std::make_shared<DeepState>(10)] { return state->commit_ns(); });
  // What keeping the old version costs without a tree.
  subject.peer("map copy", [map = flat_map()]() {
    return 1e9 / per_second([&] {
             FlatMap next = map;
             next["key7"] = 7;
             keep(next);
           });
  });
}

}  // namespace theus::bench
