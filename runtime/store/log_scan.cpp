#include "runtime/store/log_scan.hpp"

#include "runtime/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

namespace theus::store {
namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t magic_little = 0x377f0682;  // checksums read words with the least significant byte first
constexpr std::uint32_t magic_big = 0x377f0683;

using Bytes = std::span<const unsigned char>;

std::uint32_t big_endian(Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

struct Checksum {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  friend bool operator==(const Checksum&, const Checksum&) = default;

  void add(Bytes bytes, bool is_big) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a += word(bytes, at, is_big) + b;
      b += word(bytes, at + 4, is_big) + a;
    }
  }

private:
  static std::uint32_t word(Bytes bytes, std::size_t at, bool is_big) {
    const std::uint32_t word = big_endian(bytes, at);
    return is_big ? word : __builtin_bswap32(word);
  }
};

Checksum checksum_at(Bytes bytes, std::size_t at) { return {big_endian(bytes, at), big_endian(bytes, at + 4)}; }

bool read_at(const Descriptor& file, std::span<unsigned char> into, std::size_t at) {
  while (!into.empty()) {
    const ssize_t got = ::pread(file.number(), into.data(), into.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    into = into.subspan(static_cast<std::size_t>(got));
    at += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

std::size_t log_bytes(std::size_t pages, std::size_t page_bytes) noexcept {
  return header_bytes + pages * (frame_header_bytes + page_bytes);
}

Result<LogScan> scan_log(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file) {
    if (errno == ENOENT)
      return LogScan{};
    return Error{Errc::journal_failed, path.string(), std::strerror(errno), "Make the file readable"}.with("errno",
                                                                                                           errno);
  }
  LogScan scan;
  std::array<unsigned char, header_bytes> header{};
  if (!read_at(file, header, 0))
    return scan;
  const std::uint32_t magic = big_endian(header, 0);
  const std::uint32_t page_bytes = big_endian(header, 8);
  const bool is_big = magic == magic_big;
  Checksum running;
  running.add(Bytes{header}.first(24), is_big);
  const bool is_log = (magic == magic_little || is_big) && std::has_single_bit(page_bytes) && page_bytes >= 512 &&
                      page_bytes <= 65'536 && running == checksum_at(header, 24);
  if (!is_log)
    return scan;

  std::vector<unsigned char> frame(frame_header_bytes + page_bytes);
  std::uint64_t pages = 0;
  bool is_damaged = false;
  for (std::size_t at = header_bytes; read_at(file, frame, at); at += frame.size()) {
    const bool is_of_this_log = std::memcmp(&frame[8], &header[16], 8) == 0;  // the salts
    if (!is_of_this_log) {
      if (!is_damaged)
        break;  // left from an earlier round of the log
      continue;
    }
    ++pages;
    // After damage the chain of checksums is taken up again from what the frame before says of itself.
    Checksum next = running;
    next.add(Bytes{frame}.first(8), is_big);
    next.add(Bytes{frame}.subspan(frame_header_bytes), is_big);
    const bool is_sound = next == checksum_at(frame, 16);
    running = checksum_at(frame, 16);
    if (!is_damaged && !is_sound)
      is_damaged = true;
    else if (is_damaged && is_sound)
      ++scan.sound_after_damage;
    if (!is_damaged && big_endian(frame, 4) != 0) {
      scan.committed = pages;
      scan.committed_bytes = at + frame.size();
    }
  }
  scan.cut = pages - scan.committed;
  return scan;
}

}  // namespace theus::store
