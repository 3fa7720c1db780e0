#include "runtime/descriptor.hpp"

#include <theus/log.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

namespace theus {
namespace {

/// The file behind a sink. Thread-safe.
class LogFile {
public:
  LogFile(std::filesystem::path path, std::size_t bytes_max) : path_(std::move(path)), bytes_max_(bytes_max) {}

  Status open() {
    Descriptor file{::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    struct stat status {};
    if (!file || ::fstat(file.number(), &status) != 0)
      return Error{Errc::bad_input, path_.string(),
                   std::string{"it cannot be opened for appending: "} + std::strerror(errno),
                   "Name a file in a folder that exists and may be written, and no link"};
    file_ = std::move(file);
    bytes_ = static_cast<std::size_t>(status.st_size);
    return {};
  }

  void append(const LogEntry& entry) {
    const std::lock_guard lock{mutex_};
    if (dropped_ > 0 && write(to_json_line(told_of_dropped(entry))))
      dropped_ = 0;
    if (dropped_ > 0 || !write(to_json_line(entry)))
      ++dropped_;
  }

private:
  LogEntry told_of_dropped(const LogEntry& cause) const {
    LogEntry entry = cause;
    entry.level = LogLevel::warning;
    entry.text = "entries could not be written to the log";
    entry.fields = {{"dropped", dropped_}};
    return entry;
  }

  bool write(std::string line) {
    line += '\n';
    if (bytes_ > 0 && bytes_ + line.size() > bytes_max_)
      rotate();
    ssize_t written = -1;
    do
      written = ::write(file_.number(), line.data(), line.size());
    while (written < 0 && errno == EINTR);
    if (written == static_cast<ssize_t>(line.size())) {
      bytes_ += line.size();
      return true;
    }
    if (written > 0)  // no half lines
      (void)!::ftruncate(file_.number(), static_cast<off_t>(bytes_));
    return false;
  }

  // Whatever of it fails, the entries go on into a file that is open.
  void rotate() {
    if (::rename(path_.c_str(), (path_.string() + ".1").c_str()) == 0)
      (void)open();
  }

  const std::filesystem::path path_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  Descriptor file_;  // guarded by mutex_, as what follows
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace

Result<LogSink> log_to_file(const std::filesystem::path& path, LogFileOptions options) {
  auto file = std::make_shared<LogFile>(path, options.bytes_max);
  if (auto opened = file->open(); !opened)
    return opened.error();
  return LogSink{[file, least = options.least](const LogEntry& entry) {
    if (entry.level >= least)
      file->append(entry);
  }};
}

}  // namespace theus
