#pragma once

#include <theus/value.hpp>

namespace theus::actors {

// What a joined process says of an owner that does not answer.

inline Error owner_is_down(std::string cause) {
  return {Errc::owner_down, "the owner of the state", std::move(cause),
          "Reading goes on; it is joined again by itself when it is back"};
}

inline Error nothing_written() { return owner_is_down("it is down; nothing was written"); }

inline Error unknown_outcome() {
  return owner_is_down("it went down before it answered: whether this was written is not known").with("unknown", true);
}

inline Error has_other_rules() {
  return {Errc::stale_epoch, "the owner of the state", "it has come back with other access rules",
          "Join it anew, with Engine::from_handle(): contracts here were made for those of before"};
}

inline Error link_is_closed() { return {Errc::closed, "commit", "the engine was shut down", "Create another engine"}; }

}  // namespace theus::actors
