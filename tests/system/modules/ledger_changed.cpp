// The second version of ledger.cpp: it books one more from a total of 30 on.
#include <theus/module.hpp>

#include <algorithm>

namespace {

theus::Returned book(theus::Context& ctx) {
  const int amount = ctx.argument<int>("amount", 1) + static_cast<int>(ctx.random().between(0, 9));
  const int more = ctx.get<int>("domain.total", 0) >= 30 ? 1 : 0;
  ctx.emit("ledger.booked", {{"amount", amount}});
  return theus::Returned::named({{"domain.total", ctx.get<int>("domain.total", 0) + amount + more},
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
