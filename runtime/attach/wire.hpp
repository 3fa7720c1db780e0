#pragma once

// How paths, differences and errors stand in the messages of protocol.hpp.

#include <theus/access.hpp>
#include <theus/attach.hpp>
#include <theus/signal_event.hpp>

namespace theus {

/// The segments of a path as a list of keys and indices: exact, and not parsed again.
Value to_wire(const Path& path);
Result<Path> path_from_wire(const Value& value);
Value to_wire(const std::vector<Path>& paths);
Result<std::vector<Path>> paths_from_wire(const Value& value, std::size_t paths_max);

Result<Version> version_from_wire(const Value& value);

Value to_wire(const Error& error);
Error error_from_wire(const Value& value);

/// {since, version, entries, omitted}. Entries that would make it too long are counted as omitted.
Value to_wire(const Changes& changes);
Result<Changes> changes_from_wire(const Value& value);

Value to_wire(const Event& event);
Result<std::vector<HeardSignal>> signals_from_wire(const Value& value);

Value to_wire(const SignalCounts& counts);
Result<SignalCounts> counts_from_wire(const Value& value);

Value to_wire(const AccessOptions& access);
Result<AccessOptions> access_from_wire(const Value& value);

Value to_wire(const EngineInfo& info);
Result<EngineInfo> info_from_wire(const Value& value);

}  // namespace theus
