#pragma once

// The mark beside a journal: up to where everything was safe when it was last written. SQLite drops what follows a
// damaged page of its write-ahead log without a word; whatever is then missing below the mark is known to be lost.
//
// Two slots of 512 bytes, a sector each, written in turn, so that a torn one leaves the other. A slot, numbers least
// significant byte first:
//
//   0  "THEUMARK"    8  count of the writes    16  version    24  link of that version (32 bytes)
//   56 sequence of the audit log    64  link of that entry (32)    96  SHA-256 of bytes 0 to 95
//
// Reads and writes go through SQLite's file layer, so that tests see and break them together with the journal's.

#include <theus/digest.hpp>
#include <theus/version.hpp>

#include <filesystem>
#include <memory>

namespace theus::store {

struct Mark {
  Version version = 0;
  Digest link{};
  std::uint64_t audit = 0;
  Digest audit_link{};

  friend bool operator==(const Mark&, const Mark&) = default;
};

/// Belongs to one thread at a time.
class MarkFile {
public:
  /// The file must exist. Errors: journal_failed.
  static Result<MarkFile> open(const std::filesystem::path& path, const char* vfs);
  MarkFile(MarkFile&&) noexcept;
  MarkFile& operator=(MarkFile&&) noexcept;
  ~MarkFile();

  /// The newer sound slot, or nothing.
  Result<std::optional<Mark>> read();
  /// Writes the slot that is not the newest and syncs it.
  Status write(const Mark& mark);

private:
  struct Open;
  explicit MarkFile(std::unique_ptr<Open> open) noexcept;

  std::unique_ptr<Open> open_;
  std::uint64_t writes_ = 0;
};

}  // namespace theus::store
