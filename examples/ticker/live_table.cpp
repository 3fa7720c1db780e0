#include "live_table.hpp"

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>

namespace {

std::string table_of(const theus::SignalHubStatistics& statistics) {
  std::string text = std::to_string(statistics.published) + " sent\n";
  for (const theus::SubscriberStatistics& each : statistics.subscribers) {
    char line[128];
    std::snprintf(line, sizeof line, "  %-10s received %8llu   lagged %8llu   waiting %5llu   for %4lld ms\n",
                  each.name.c_str(), static_cast<unsigned long long>(each.received),
                  static_cast<unsigned long long>(each.lagged), static_cast<unsigned long long>(each.depth),
                  static_cast<long long>(each.age / std::chrono::milliseconds{1}));
    text += line;
  }
  return text;
}

void show(const std::stop_token& stop, const theus::SignalHub& hub) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock{mutex};
  while (!stopped.wait_for(lock, stop, std::chrono::milliseconds{100}, [&] { return stop.stop_requested(); }))
    std::fputs(table_of(hub.statistics()).c_str(), stderr);
}

}  // namespace

LiveTable::LiveTable(const theus::SignalHub& hub) : shows_([&hub](const std::stop_token& stop) { show(stop, hub); }) {}
