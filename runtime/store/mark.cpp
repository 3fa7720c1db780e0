#include "runtime/store/mark.hpp"

#include "runtime/sha256.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <vector>

namespace theus::store {
namespace {

constexpr std::string_view magic = "THEUMARK";
constexpr std::size_t slot_bytes = 512;
constexpr std::size_t signed_bytes = 96;

using Slot = std::array<std::byte, slot_bytes>;

sqlite3_int64 offset_of(std::uint64_t slot) {
  return static_cast<sqlite3_int64>(slot) * static_cast<sqlite3_int64>(slot_bytes);
}

void put(Slot& slot, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < 8; ++i)
    slot[at + i] = static_cast<std::byte>(number >> (8 * i));
}

std::uint64_t number_at(const Slot& slot, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i > 0; --i)
    number = number << 8 | std::to_integer<std::uint64_t>(slot[at + i - 1]);
  return number;
}

void put(Slot& slot, std::size_t at, const Digest& digest) { std::memcpy(&slot[at], digest.bytes.data(), 32); }

Digest digest_at(const Slot& slot, std::size_t at) {
  Digest digest;
  std::memcpy(digest.bytes.data(), &slot[at], 32);
  return digest;
}

Digest signature(const Slot& slot) {
  Sha256 sha;
  sha.add(std::span{slot}.first(signed_bytes));
  return sha.finish();
}

Slot slot_of(const Mark& mark, std::uint64_t writes) {
  Slot slot{};
  std::memcpy(slot.data(), magic.data(), magic.size());
  put(slot, 8, writes);
  put(slot, 16, mark.version);
  put(slot, 24, mark.link);
  put(slot, 56, mark.audit);
  put(slot, 64, mark.audit_link);
  put(slot, signed_bytes, signature(slot));
  return slot;
}

bool is_sound(const Slot& slot) {
  return std::memcmp(slot.data(), magic.data(), magic.size()) == 0 && digest_at(slot, signed_bytes) == signature(slot);
}

}  // namespace

struct MarkFile::Open {
  std::string path;  // ends with two NULs, as SQLite wants it
  std::vector<std::max_align_t> memory;
  sqlite3_file* file = nullptr;

  ~Open() {
    if (file != nullptr && file->pMethods != nullptr)
      file->pMethods->xClose(file);
  }

  Error failure(std::string_view what, int code) const {
    const int system = errno;
    const bool has_no_room =
        code == SQLITE_FULL || (code == SQLITE_IOERR_WRITE && (system == EDQUOT || system == EFBIG));
    return Error{has_no_room ? Errc::disk_full : Errc::journal_failed, path.substr(0, path.size() - 2),
                 std::string{what} + " failed: " + sqlite3_errstr(code), "Look after the disk, then start again"}
        .with("errno", system);
  }
};

MarkFile::MarkFile(std::unique_ptr<Open> open) noexcept : open_(std::move(open)) {}
MarkFile::MarkFile(MarkFile&&) noexcept = default;
MarkFile& MarkFile::operator=(MarkFile&&) noexcept = default;
MarkFile::~MarkFile() = default;

Result<MarkFile> MarkFile::open(const std::filesystem::path& path, const char* vfs_name) {
  auto open = std::make_unique<Open>();
  open->path = path.string() + std::string(2, '\0');
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name);
  if (vfs == nullptr)
    return Error{Errc::journal_failed, path.string(), "there is no such file layer"};
  open->memory.resize(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
  open->file = reinterpret_cast<sqlite3_file*>(open->memory.data());
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_SUPER_JOURNAL;
  if (const int code = vfs->xOpen(vfs, open->path.c_str(), open->file, flags, &flags); code != SQLITE_OK)
    return open->failure("opening it", code);
  return MarkFile{std::move(open)};
}

Result<std::optional<Mark>> MarkFile::read() {
  std::optional<Mark> newest;
  for (std::size_t i = 0; i < 2; ++i) {
    Slot slot{};
    const int code =
        open_->file->pMethods->xRead(open_->file, slot.data(), static_cast<int>(slot.size()), offset_of(i));
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
      return open_->failure("reading it", code);
    if (!is_sound(slot) || (newest && number_at(slot, 8) < writes_))
      continue;
    writes_ = number_at(slot, 8);
    newest = Mark{number_at(slot, 16), digest_at(slot, 24), number_at(slot, 56), digest_at(slot, 64)};
  }
  return newest;
}

Status MarkFile::write(const Mark& mark) {
  const Slot slot = slot_of(mark, writes_ + 1);
  const auto& methods = *open_->file->pMethods;
  const auto at = offset_of((writes_ + 1) % 2);
  if (const int code = methods.xWrite(open_->file, slot.data(), static_cast<int>(slot.size()), at); code != SQLITE_OK)
    return open_->failure("writing it", code);
  if (const int code = methods.xSync(open_->file, SQLITE_SYNC_NORMAL); code != SQLITE_OK)
    return open_->failure("syncing it", code);
  ++writes_;
  return {};
}

}  // namespace theus::store
