#pragma once

// How our actors use CAF: every actor is set up by `prepare`, and every message leaves through `tell`.

#include "actors/core.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <exception>
#include <string>

namespace theus::actors {

/// A message nobody waits for. To a dead actor it is dropped; whoever needs an answer keeps a deadline.
template <class Handle, class Message>
void tell(const Handle& whom, Message message) {
  caf::anon_send(whom, std::move(message));
}

template <class Handle, class Message>
void tell_later(const Handle& whom, std::chrono::steady_clock::duration delay, Message message) {
  caf::delayed_anon_send(whom, std::chrono::duration_cast<std::chrono::nanoseconds>(delay), std::move(message));
}

/// Messages of unknown types are counted and answered, exceptions end the actor with their text in its exit reason.
inline void prepare(caf::scheduled_actor* self, const CorePtr& core) {
  self->set_default_handler([core](caf::scheduled_actor*, const caf::message_view&) -> caf::result<caf::message> {
    core->unexpected_messages.fetch_add(1, std::memory_order_relaxed);
    return caf::sec::unexpected_message;
  });
  self->set_exception_handler([](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      return caf::make_error(caf::sec::runtime_error, std::string{error.what()});
    } catch (...) {
      return caf::make_error(caf::sec::runtime_error, std::string{"an exception that is no std::exception"});
    }
  });
}

}  // namespace theus::actors
