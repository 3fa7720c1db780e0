#pragma once

#include "runtime/signal_record.hpp"

#include <theus/signal_hub.hpp>

namespace theus {

/// What a hub is to the other processes of this host: memory to read its events from, and a way in for theirs.
/// Thread-safe.
class SignalExport {
public:
  /// A hub whose memory others can read, if the system gives such memory. Throws as SignalHub does.
  static SignalHub make_hub(const SignalHubOptions& options);

  explicit SignalExport(const SignalHub& hub) : core_(hub.core_) {}

  /// A file with the ring and behind it the second lines (signal_record.hpp), to be read only; -1: there is none.
  int memory() const noexcept;
  /// Where the next event will stand.
  std::uint64_t end() const noexcept;

  /// nullptr: the name cannot be interned. Lives as long as the hub.
  const Topic* topic(std::string_view name) const;
  /// Whether a rate limit lets one more of that topic pass; if not, it is counted.
  bool passes(const Topic& topic) const;
  /// Publishes them, those refused that a subscriber would have to be waited for. REQUIRES: their topics are interned.
  void admit(std::span<const SignalRecord> records) const;

  /// Lets a receiver go on with what comes from now on.
  static void skip_to_newest(SignalReceiver& receiver);

private:
  std::shared_ptr<SignalCore> core_;
};

}  // namespace theus
