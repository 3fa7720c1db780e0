// A module in its first version; ledger_changed.cpp is the second.
#include <theus/module.hpp>

#include <algorithm>

namespace {

theus::Returned book(theus::Context& ctx) {
  const int amount = ctx.argument<int>("amount", 1) + static_cast<int>(ctx.random().between(0, 9));
  ctx.emit("ledger.booked", {{"amount", amount}});
  return theus::Returned::named({{"domain.total", ctx.get<int>("domain.total", 0) + amount},
                                 {"domain.at", ctx.now().time_since_epoch().count()},
                                 {"domain.largest", std::max(ctx.get<int>("domain.largest", 0), amount)}});
}

}  // namespace

THEUS_MODULE(engine) {
  return engine.register_process({.name = "book",
                                  .inputs = {"domain.total", "domain.largest"},
                                  .outputs = {"domain.total", "domain.at", "domain.largest"},
                                  .arguments = {"amount"},
                                  .body = book});
}
