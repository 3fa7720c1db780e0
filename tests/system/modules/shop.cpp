// A module as a user would write one, with processes that go well and processes that do not.
#include <theus/module.hpp>

#include <future>
#include <stdexcept>
#include <thread>

namespace {

using theus::Context;
using theus::Semantic;

int sell(Context& ctx) {
  ctx.log().info("sold", {{"to", ctx.argument<std::string>("customer", "nobody")}});
  return ctx.get<int>("domain.sold", 0) + 1;
}

int fail(Context&) { throw std::runtime_error{"out of stock"}; }

void hang(Context& ctx) {
  ctx.log().warning("hanging");
  while (!ctx.is_cancelled())
    std::this_thread::yield();
}

/// Neither ends nor hears that it should.
void ignore(Context& ctx) {
  ctx.log().warning("ignoring");
  std::promise<void>{}.get_future().wait();
}

}  // namespace

THEUS_MODULE(engine) {
  for (theus::Process process : {
           theus::Process{.name = "sell",
          .inputs = {"domain.sold"},
          .outputs = {"domain.sold"},
          .arguments = {"customer"},
          .body = sell},
           theus::Process{.name = "fail", .outputs = {"domain.sold"}, .body = fail},
           theus::Process{.name = "hang", .semantic = Semantic::pure, .body = hang},
           theus::Process{.name = "ignore", .semantic = Semantic::pure, .body = ignore},
       })
    if (auto registered = engine.register_process(std::move(process)); !registered)
      return registered;
  return {};
}
