#pragma once

#include <theus/digest.hpp>
#include <theus/version.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace theus {

/// When a commit is answered, and what it then outlives.
enum class Durability : std::uint8_t {
  disk,        ///< once it is on the disk: it outlives a power cut
  os,          ///< once the operating system has it: it outlives the program, kill -9 included
  disk_async,  ///< at once; it is on the disk soon, which Engine::wait_durable() waits for
};

/// "disk", "os" or "disk_async".
std::string_view to_string(Durability level) noexcept;

/// Where an engine keeps its commits, so that another one goes on where it ended, or was ended.
///
/// The journal is an SQLite database (docs/journal.md tells its tables) with three files beside it: NAME-wal, its
/// write-ahead log; NAME-mark, up to where all was safe; NAME-lock, held by the one engine that uses it. All of them
/// are made with mode 0600 and belong together.
struct JournalOptions {
  /// Empty: no journal; commits end with the engine.
  std::filesystem::path path{};
  Durability level = Durability::disk;
  /// Commits after which the whole state is written down again, so that a start need not repeat more; 1 or more.
  std::uint64_t checkpoint_interval = 100'000;
  /// Commits kept for replay and time travel at least; older ones go with the next checkpoint. 0: all.
  std::uint64_t history_min = 0;
  /// The log is warned when the journal's file has become that large, and each time it has doubled.
  std::uint64_t bytes_expected = std::uint64_t{1} << 30;
  /// Told on a thread of the engine of each newest version that is on the disk; must return soon. With `disk_async`.
  std::function<void(Version)> on_durable{};
  /// The SQLite file layer (VFS) to use, by its name. Empty: the default one.
  std::string file_layer{};
};

/// What an engine found in its journal when it began.
struct Recovery {
  Version version = 0;              ///< with which it goes on; 0: the journal is new
  Version checkpoint = 0;           ///< from which it began; 0: from nothing
  std::uint64_t commits = 0;        ///< that were applied after it
  std::uint64_t requests = 0;       ///< whose outcomes are known
  std::uint64_t audit_entries = 0;  ///< in the audit log
  std::chrono::milliseconds took{0};
  /// Pages at the end of the write-ahead log that belong to no whole commit: of one that was under way, which nobody
  /// was told of, or of damage.
  std::uint64_t pages_cut = 0;
  /// Of these, pages that stand behind a damaged one and look sound: acknowledged commits may be lost.
  std::uint64_t pages_lost = 0;
  /// Checkpoints that did not match what they were made of, and were passed over.
  std::uint64_t checkpoints_refused = 0;
};

}  // namespace theus
