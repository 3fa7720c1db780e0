#pragma once

#include <theus/engine.hpp>

namespace theus::testing {

/// Books a random amount at the time it is told.
inline Process booking(int more = 0) {
  return {.name = "book",
          .inputs = {"domain.total"},
          .outputs = {"domain.total", "domain.at"},
          .arguments = {"amount"},
          .attempts_max = 100,
          .body = [more](Context& ctx) {
            const auto total = ctx.get<std::int64_t>("domain.total", 0);
            const auto amount = ctx.argument<std::int64_t>("amount", 0) + ctx.random().between(0, 99);
            ctx.emit("booked", amount);
            return Returned::named({{"domain.total", total + amount + (total > 300 ? more : 0)},
                                    {"domain.at", ctx.now().time_since_epoch().count()}});
          }};
}

}  // namespace theus::testing
