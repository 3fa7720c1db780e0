#pragma once

#include <theus/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace theus::actors {

/// Where an actor answers to. It answers by itself (closed) when everybody who could have answered is gone, so nobody
/// waits for a message that a dead actor dropped. To be called once.
template <class T>
class Answer {
public:
  Answer(std::string who, std::function<void(Result<T>)> give)
      : pending_(std::make_shared<Pending>(std::move(who), std::move(give))) {}

  void operator()(Result<T> result) const { std::exchange(pending_->give, nullptr)(std::move(result)); }

private:
  struct Pending {
    std::string who;
    std::function<void(Result<T>)> give;

    Pending(std::string name, std::function<void(Result<T>)> function)
        : who(std::move(name)), give(std::move(function)) {}
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    ~Pending() {
      if (give)
        give(Error{Errc::closed, who, "it was stopped", "Spawn it again"});
    }
  };

  std::shared_ptr<Pending> pending_;
};

}  // namespace theus::actors
