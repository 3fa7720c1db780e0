#pragma once

// A file layer for SQLite between it and the default one. It lets a chosen call fail, and records what is written and
// synced, so that the files can be had as a power cut would leave them at any moment.
//
// Syncs are recorded, not done: nothing here ever looks at the real disk. The directory is synced
// with the first sync of a log, as SQLite's own layer does it; until then a cut may undo that files came and went. A
// sync that failed has lost what it was to write: later ones do not bring it back (which is what Linux does), only
// writing it again does.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace theus::testing {

/// Thread-safe, but for what says otherwise. Must outlive the databases that use it.
class FaultFiles {
public:
  enum class Call : std::uint8_t { open, read, write, truncate, sync, remove, control, map };

  enum class Fault : std::uint8_t {
    full,   ///< ENOSPC, nothing was written
    torn,   ///< ENOSPC after half of it was written
    quota,  ///< EDQUOT
    io,     ///< EIO
    death,  ///< EIO; with `for_good`: the program has ended here
  };

  /// What a power cut leaves of what was not synced.
  enum class Loss : std::uint8_t {
    all,      ///< nothing of it is there
    nothing,  ///< all is there
    some,     ///< some of the writes are
    sectors,  ///< some 512 bytes of some writes are
    zeros,    ///< the files have grown, but are filled with zeros
  };
  static constexpr unsigned losses = 5;

  /// The content of each file, by its name in the folder.
  using Image = std::map<std::string, std::string>;

  /// Registers itself with SQLite.
  FaultFiles();
  ~FaultFiles();
  FaultFiles(const FaultFiles&) = delete;
  FaultFiles& operator=(const FaultFiles&) = delete;

  /// For JournalOptions::file_layer.
  const std::string& name() const noexcept;

  /// The n-th call from now on fails, counted from 1, once or with all that come after it; when it is for want of room,
  /// with those that need some. Reads do not count, unless only they do.
  void fail(std::size_t nth, Fault fault, bool for_good, bool only_reads = false);
  void work_again();
  /// Since the last fail(), or the beginning.
  std::size_t calls() const;
  /// The first call that failed since the last fail().
  std::optional<Call> failed() const;

  /// Changes recorded so far; what a cut can come between.
  std::size_t changes() const;
  /// The files after so many changes and a power cut. The seed decides what is kept.
  Image cut(std::size_t changes, Loss loss, std::uint32_t seed) const;

  struct Layer;

private:
  std::unique_ptr<Layer> layer_;
};

/// Puts the files into an empty folder.
void write_image(const FaultFiles::Image& image, const std::filesystem::path& folder);

std::string_view to_string(FaultFiles::Call call) noexcept;
std::string_view to_string(FaultFiles::Fault fault) noexcept;
std::string_view to_string(FaultFiles::Loss loss) noexcept;

}  // namespace theus::testing
