#include "actors/heavy_places.hpp"

namespace theus::actors {
namespace {

/// One step into a map or a list. Paths are made only for what is found.
struct Step {
  std::string_view key{};
  std::size_t index = 0;
  bool is_key = false;
};

class Walk {
public:
  explicit Walk(const std::function<void(const HeavyRef&, const Path&)>& see) : see_(see) {}

  // Recursion is bounded by the depth of the state.
  // NOLINTNEXTLINE(misc-no-recursion)
  void look_at(const Value& value) {
    if (value.is_heavy())
      return see_(value.as_heavy(), path());
    if (value.is_map())
      for (const auto [key, member] : value.members())
        look_below({.key = key, .is_key = true}, member);
    if (value.is_list())
      for (std::size_t index = 0; const Value& item : value.items())
        look_below({.index = index++}, item);
  }

private:
  // NOLINTNEXTLINE(misc-no-recursion): as above
  void look_below(const Step& step, const Value& value) {
    if (!value.is_heavy() && !value.is_map() && !value.is_list())
      return;
    steps_.push_back(step);
    look_at(value);
    steps_.pop_back();
  }
  Path path() const {
    Path path;
    for (const Step& step : steps_)
      path = step.is_key ? path.key(step.key) : path.index(step.index);
    return path;
  }

  const std::function<void(const HeavyRef&, const Path&)>& see_;
  std::vector<Step> steps_;
};

}  // namespace

void each_heavy_place(const Value& value, const std::function<void(const HeavyRef&, const Path&)>& see) {
  Walk{see}.look_at(value);
}

}  // namespace theus::actors
