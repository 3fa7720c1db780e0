#pragma once

#include <theus/engine.hpp>

namespace karate {

/// The members of the club as agents `member_1` to `member_34`, and the process `measure` that the workflow calls.
theus::Status found_club(theus::Engine& engine);

/// What the simulation says about a club that has split, next to what was recorded.
struct Verdict {
  struct Member {
    int number;
    double opinion;
    std::string predicted;
    std::string recorded;
  };
  std::vector<Member> members;
  int rounds = 0;
  double largest_move = 0;

  std::size_t right() const;
};

theus::Result<Verdict> judge(const theus::Snapshot& state);

}  // namespace karate
