#pragma once

#include <theus/engine.hpp>

#include <fcntl.h>
#include <unistd.h>

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

inline Status register_isolated_bodies(Engine& engine) {
  for (const auto& processes : {well_behaved(true), well_behaved(false), misbehaving()})
    for (const Process& process : processes)
      if (auto registered = engine.register_process(process); !registered)
        return registered;
  return {};
}

}  // namespace theus::testing
