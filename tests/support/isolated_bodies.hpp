#pragma once

#include <theus/engine.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <vector>

namespace theus::testing {

/// Bodies that behave, and bodies that do not. `isolated` says where they run.
inline std::vector<Process> well_behaved(bool isolated) {
  const std::string suffix = isolated ? "" : "_here";
  const auto named = [&](Process process) {
    process.name += suffix;
    process.isolated = isolated;
    return process;
  };
  return {
      named({.name = "count",
             .inputs = {"domain.count"},
             .outputs = {"domain.count"},
             .body = [](Context& ctx) { return ctx.get<int>("domain.count", 0) + 1; }}),
      named({.name = "mix",
             .inputs = {"domain.items", "domain.rows[0]", "domain.shops.*.price"},
             .outputs = {"domain.sum", "domain.log_seen", "domain.shops", "domain.gone"},
             .arguments = {"factor"},
             .body =
                 [](Context& ctx) {
                   std::int64_t sum = 0;
                   const Value items = ctx.get("domain.items");
                   for (const Value& item : items.items())
                     sum += item.as_int();
                   sum += ctx.get<int>("domain.rows[0]");
                   const Value shops = ctx.get("domain.shops");
                   for (const auto [name, shop] : shops.members())
                     sum += shop.find("price")->as_int();
                   sum *= ctx.argument<int>("factor", 1);
                   ctx.append("domain.log_seen", ctx.random().between(0, 1'000'000));
                   ctx.increment("domain.shops.north.sold", 2);
                   ctx.erase("domain.gone");
                   ctx.set("domain.sum", sum);
                   ctx.emit("mixed", {{"sum", sum}});
                   return Value{{"domain.sum", sum}};
                 }}),
  };
}

inline std::vector<Process> misbehaving() {
  const auto named = [](Process process) {
    process.isolated = true;
    return process;
  };
  return {
      named({.name = "crash", .body = [](Context&) { ::raise(SIGSEGV); }}),
      named({.name = "exit", .body = [](Context&) { ::_exit(3); }}),
      // Dies the first time: what it leaves on disk tells the next one.
      named({.name = "crash_once",
             .outputs = {"domain.survived"},
             .arguments = {"mark"},
             .body =
                 [](Context& ctx) {
                   const auto mark = ctx.argument<std::string>("mark");
                   if (const int made = ::open(mark.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600); made >= 0)
                     ::raise(SIGKILL);
                   return 1;
                 }}),
      named({.name = "hang",
             .outputs = {"domain.hung"},
             .timeout = std::chrono::milliseconds{100},
             .body =
                 [](Context& ctx) {
                   ctx.set("domain.hung", 1);
                   for (volatile bool for_ever = true; for_ever;) {
                   }
                 }}),
      named({.name = "polite",
             .timeout = std::chrono::milliseconds{100},
             .body =
                 [](Context& ctx) {
                   while (!ctx.is_cancelled()) {
                   }
                 }}),
      named({.name = "hungry",
             .body =
                 [](Context&) {
                   static std::vector<std::vector<char>> kept;
                   while (true)
                     kept.emplace_back(std::size_t{8} << 20, 'x');
                 }}),
      named({.name = "overflow",
             .body =
                 [](Context&) {
                   struct Deep {
                     // NOLINTNEXTLINE(misc-no-recursion): that is what it is for
                     static int down(volatile char* above, std::int64_t left) {
                       volatile char room[4096];
                       room[0] = *above;
                       return left == 0 ? 0 : down(room, left - 1) + room[0];
                     }
                   };
                   volatile char first = 1;
                   return Deep::down(&first, INT64_MAX);
                 }}),
      named({.name = "talk",
             .body =
                 [](Context& ctx) {
                   std::puts("to standard output");
                   std::fflush(stdout);
                   ctx.log().warning("said", {{"attempt", ctx.attempt()}});
                   ctx.progress(3, 4);
                   return ctx.name();
                 }}),
      // Says when it has read, and goes on.
      named({.name = "count_aloud",
             .inputs = {"domain.count"},
             .outputs = {"domain.count"},
             .body =
                 [](Context& ctx) {
                   const int count = ctx.get<int>("domain.count", 0);
                   ctx.log().info("has read");
                   return count + 1;
                 }}),
      named({.name = "hang_aloud",
             .body =
                 [](Context& ctx) {
                   ctx.log().info("has read");
                   for (volatile bool for_ever = true; for_ever;) {
                   }
                 }}),
      named({.name = "stray", .outputs = {"domain.allowed"}, .body = [](Context& ctx) { ctx.set("domain.other", 1); }}),
      named(
          {.name = "peek", .inputs = {"domain.count"}, .body = [](Context& ctx) { return ctx.find("domain.secret"); }}),
      named({.name = "fail",
             .body = [](Context&) -> Status {
               return Error{Errc::bad_input, "a file", "it is empty"};
             }}),
      named({.name = "throw", .body = [](Context&) { throw std::runtime_error{"thrown in a worker"}; }}),
      named({.name = "who", .body = [](Context&) { return static_cast<std::int64_t>(::getpid()); }}),
      named({.name = "echo", .arguments = {"value"}, .body = [](Context& ctx) { return ctx.argument("value"); }}),
      named({.name = "bulk",
             .inputs = {"domain.bulk"},
             .outputs = {"domain.copy"},
             .body = [](Context& ctx) { return ctx.get("domain.bulk"); }}),
  };
}

/// Bodies that read and build heavy buffers. A number in a buffer tells of which row it is.
inline std::vector<Process> heavy_bodies(Engine& engine) {
  const auto named = [](Process process) {
    process.isolated = true;
    return process;
  };
  const auto row = [&engine](std::size_t numbers, float number) -> Result<HeavyBuffer<float>> {
    auto buffer = engine.heavy().alloc<float>({numbers});
    if (buffer)
      std::ranges::fill(buffer->span(), number);
    return buffer;
  };
  return {
      named({.name = "build",
             .outputs = {"heavy.rows"},
             .arguments = {"rows", "numbers"},
             .body = [row](Context& ctx) -> Result<Value> {
               Value rows = Value::list();
               for (int i = 0; i < ctx.argument<int>("rows", 1); ++i) {
                 const auto buffer = row(ctx.argument<std::size_t>("numbers", 1'000), static_cast<float>(i));
                 const auto handle = buffer ? buffer->publish() : Result<Value>{buffer.error()};
                 if (!handle)
                   return handle;
                 rows.push_back(*handle);
               }
               return rows;
             }}),
      named({.name = "sum",
             .inputs = {"heavy.rows"},
             .outputs = {"domain.sum"},
             .body = [&engine](Context& ctx) -> Result<double> {
               double sum = 0;
               const Value rows = ctx.get("heavy.rows");
               for (const Value& handle : rows.items()) {
                 const auto view = engine.heavy().view<float>(handle);
                 if (!view)
                   return view.error();
                 for (const float number : view->span())
                   sum += number;
               }
               return sum;
             }}),
      // Checks what the last one left, and leaves something else; dies in between when it is told to.
      named({.name = "refill",
             .inputs = {"heavy.rows", "domain.count"},
             .outputs = {"heavy.rows", "domain.count"},
             .arguments = {"die"},
             .body = [&engine, row](Context& ctx) -> Result<Returned> {
               constexpr std::size_t numbers = 100'000;
               const int count = ctx.get<int>("domain.count", 0);
               if (const auto last = ctx.find("heavy.rows"); last && last->is_list()) {
                 const auto view = engine.heavy().view<float>((*last)[0]);
                 if (!view)
                   return view.error();
                 for (const float number : view->span())
                   if (number != static_cast<float>(count))
                     return Error{Errc::internal, "refill", "a buffer changed under its reader"};
               }
               const auto die = ctx.argument<std::string>("die", "");
               auto buffer = engine.heavy().alloc<float>({numbers});
               if (!buffer)
                 return buffer.error();
               for (float& number : buffer->span()) {
                 if (die == "writing" && &number == &buffer->span()[numbers / 2])
                   ::raise(SIGKILL);
                 number = static_cast<float>(count + 1);
               }
               const auto handle = buffer->publish();
               if (!handle)
                 return handle.error();
               if (die == "published")
                 ::raise(SIGKILL);
               return Returned::named({{"heavy.rows", Value::list({*handle})}, {"domain.count", count + 1}});
             }}),
      named({.name = "pass_on",
             .inputs = {"heavy.rows"},
             .outputs = {"heavy.kept"},
             .body = [](Context& ctx) { return ctx.get("heavy.rows")[0]; }}),
      named({.name = "numbers",
             .outputs = {"heavy.rows"},
             .body =
                 [](Context&) {
                   return Value::list({1.5, 2.5});
                 }}),
      named({.name = "keep_view",
             .inputs = {"heavy.rows"},
             .body =
                 [&engine](Context& ctx) {
                   static std::vector<HeavyView<float>> kept;
                   kept.push_back(engine.heavy().view<float>(ctx.get("heavy.rows")[0]).value());
                 }}),
      named({.name = "old_handle",
             .outputs = {"heavy.rows"},
             .body = [row](Context&) -> Result<Value> {
               static const Value handle = row(10, 1).value().publish().value();
               return handle;
             }}),
      named({.name = "see_own",
             .outputs = {"domain.sum"},
             .body = [&engine, row](Context&) -> Result<double> {
               const auto handle = row(10, 2).value().publish();
               return handle ? engine.heavy().view<float>(*handle).value()[9] : handle.error().code() == Errc::internal;
             }}),
      named({.name = "in_place",
             .outputs = {"heavy.rows"},
             .body = [row](Context&) -> Result<Value> { return row(10, 1).value().publish_in_place(); }}),
      named({.name = "overwrite",
             .inputs = {"heavy.rows"},
             .body = [&engine](Context& ctx) -> Status {
               const auto writer = engine.heavy().write_in_place<float>(ctx.get("heavy.rows")[0]);
               return writer ? Status{} : writer.error();
             }}),
      // By its own hands, where the API would not let it.
      named({.name = "scribble",
             .inputs = {"heavy.rows"},
             .body =
                 [&engine](Context& ctx) {
                   const auto view = engine.heavy().view<float>(ctx.get("heavy.rows")[0]).value();
                   const_cast<float&>(view.span()[0]) = 666;
                 }}),
      named({.name = "build_and_fail",
             .outputs = {"heavy.rows"},
             .arguments = {"how"},
             .body = [row](Context& ctx) -> Result<Value> {
               auto handle = row(100'000, 1).value().publish();
               if (ctx.argument<std::string>("how") == "error")
                 return Error{Errc::bad_input, "a file", "it is empty"};
               if (ctx.argument<std::string>("how") == "contract")
                 ctx.set("domain.other", *handle);
               return handle;
             }}),
      named({.name = "build_slowly",
             .outputs = {"heavy.rows"},
             .timeout = std::chrono::milliseconds{100},
             .body = [row](Context& ctx) -> Result<Value> {
               const auto buffer = row(100'000, 1);
               while (!ctx.is_cancelled()) {
               }
               return buffer.value().publish();
             }}),
  };
}

inline Status register_isolated_bodies(Engine& engine) {
  for (const auto& processes : {well_behaved(true), well_behaved(false), misbehaving(), heavy_bodies(engine)})
    for (const Process& process : processes)
      if (auto registered = engine.register_process(process); !registered)
        return registered;
  return {};
}

}  // namespace theus::testing
