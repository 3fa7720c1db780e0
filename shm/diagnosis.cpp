#include <theus/diagnosis.hpp>

#include "runtime/attach/engine_entry.hpp"
#include "shm/process_identity.hpp"
#include "shm/segment_file.hpp"
#include "shm/segment_name.hpp"

#include <theus/attach.hpp>

#include <linux/membarrier.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>

namespace theus {
namespace {

using Verdict = Finding::Verdict;

constexpr std::uint64_t mebibyte = 1 << 20;

std::string as_mebibytes(std::uint64_t bytes) { return std::to_string(bytes / mebibyte) + " MiB"; }

Finding versions(const DiagnosisOptions&) {
  utsname system{};
  ::uname(&system);
  const std::string kernel = std::string{system.sysname} + " " + system.release;
  return {.subject = "versions",
          .text = "theus " THEUS_VERSION " on " + kernel,
          .facts = {{"theus", THEUS_VERSION}, {"kernel", kernel}}};
}

Finding sealed_memory(const DiagnosisOptions&) {
  const auto file = shm::create_memory_file("theus-doctor", 4096);
  const Status sealed = file ? shm::seal_for_readers(*file) : Status{file.error()};
  if (sealed)
    return {.subject = "sealed memory", .text = "the kernel gives and seals anonymous files"};
  return {.subject = "sealed memory",
          .verdict = Verdict::wrong,
          .text = "no anonymous file can be made or sealed: " + sealed.error().cause(),
          .remedy = "Allow memfd_create in this container, or set HeavyOptions::named_segments"};
}

Finding process_descriptors(const DiagnosisOptions&) {
  if (shm::watch_process(shm::this_process()))
    return {.subject = "process descriptors", .text = "the kernel tells of the end of processes"};
  return {.subject = "process descriptors",
          .verdict = Verdict::wrong,
          .text = "pidfd_open is refused, so readers of heavy buffers cannot be let in",
          .remedy = "Allow pidfd_open, and mount /proc, in this container"};
}

Finding fences(const DiagnosisOptions&) {
  const long offered = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (offered > 0 && (offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
    return {.subject = "membarrier", .text = "the kernel fences the other threads"};
  return {.subject = "membarrier",
          .verdict = Verdict::fallback,
          .text = "membarrier is missing: each snapshot and signal pays for a fence of its own",
          .remedy = "Allow membarrier in this container"};
}

Finding huge_pages(const DiagnosisOptions&) {
  if (shm::huge_pages_are_offered())
    return {.subject = "huge pages", .text = "heavy buffers get huge pages"};
  return {.subject = "huge pages",
          .verdict = Verdict::fallback,
          .text = "heavy buffers get pages of 4 KiB: the first touch of their memory is slower",
          .remedy = "As root: echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled"};
}

Finding limits(const DiagnosisOptions&) {
  const auto soft = [](__rlimit_resource which) {
    rlimit limit{};
    ::getrlimit(which, &limit);
    return limit.rlim_cur;
  };
  const auto number = [](rlim_t limit) { return limit == RLIM_INFINITY ? Value{} : Value{std::uint64_t{limit}}; };
  const rlim_t files = soft(RLIMIT_NOFILE);
  const rlim_t addresses = soft(RLIMIT_AS);
  const rlim_t file_bytes = soft(RLIMIT_FSIZE);
  constexpr rlim_t files_min = 256;
  constexpr rlim_t bytes_min = 1024 * mebibyte;
  Finding finding{.subject = "limits",
                  .text = "files, addresses and sizes of files suffice",
                  .facts = {{"open_files", number(files)},
                            {"address_space_bytes", number(addresses)},
                            {"file_bytes", number(file_bytes)}}};
  const auto blame = [&](std::string text, std::string remedy) {
    finding.verdict = Verdict::wrong;
    finding.text = std::move(text);
    finding.remedy = std::move(remedy);
  };
  if (files < files_min)
    blame("a process may open " + std::to_string(files) + " files only", "Raise the limit: ulimit -n 1024");
  else if (addresses < bytes_min)
    blame("a process may have " + as_mebibytes(addresses) + " of addresses only",
          "Raise the limit: ulimit -v unlimited");
  else if (file_bytes < bytes_min)
    blame("a file, and so a segment of heavy buffers, may have " + as_mebibytes(file_bytes) + " only",
          "Raise the limit: ulimit -f unlimited");
  return finding;
}

Finding memory(const DiagnosisOptions&) {
  const std::uint64_t bytes = shm::available_memory_bytes();
  Finding finding{
      .subject = "memory", .text = as_mebibytes(bytes) + " can be had", .facts = {{"available_bytes", bytes}}};
  constexpr std::uint64_t bytes_min = 128 * mebibyte;
  if (bytes < bytes_min) {
    finding.verdict = Verdict::wrong;
    finding.text = "only " + finding.text + ", and 64 MiB of it are left to others";
    finding.remedy = "Free memory, or raise the limit of this container";
  }
  return finding;
}

Finding shared_memory(const DiagnosisOptions& options) {
  Finding finding{.subject = "shared memory"};
  struct stat status {};
  struct statvfs space {};
  const std::string path = options.shared_memory.string();
  const auto blame = [&](std::string text, std::string remedy) {
    finding.verdict = Verdict::wrong;
    finding.text = path + " " + std::move(text);
    finding.remedy = std::move(remedy);
    return finding;
  };
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || ::statvfs(path.c_str(), &space) != 0)
    return blame("is missing", "Mount a tmpfs there");
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  const std::uint64_t size = std::uint64_t{space.f_blocks} * space.f_frsize;
  finding.text =
      path + " has " + as_mebibytes(free) + " of " + as_mebibytes(size) + " free; only named segments need it";
  finding.facts = {
      {"path", path}, {"bytes", size}, {"free_bytes", free}, {"mode", std::uint64_t{status.st_mode & 07777}}};
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return blame("cannot be written", "Give it mode 1777");
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
    return blame("lets every user remove the files of others", "Give it mode 1777");
  return finding;
}

Finding segments(const DiagnosisOptions& options) {
  const NamedSegments found = find_named_segments(options.shared_memory);
  Value names = Value::list();
  for (const std::string& name : found.dead)
    names.push_back(name);
  const Value facts{{"dead", names}, {"dead_bytes", found.dead_bytes}, {"alive", found.alive}};
  if (found.dead.empty())
    return {.subject = "segments", .text = "no dead process left one", .facts = facts};
  return {.subject = "segments",
          .verdict = Verdict::wrong,
          .text = std::to_string(found.dead.size()) + " of dead processes hold " + std::to_string(found.dead_bytes) +
                  " bytes",
          .remedy = "theus heavy reap removes them",
          .facts = facts};
}

/// The nearest project folder.
Result<std::optional<AttachFolder>> project_folder(const std::filesystem::path& given) {
  const auto from = std::filesystem::absolute(given.empty() ? "." : given).lexically_normal();
  for (auto at = from;; at = at.parent_path()) {
    auto folder = AttachFolder::open(at / ".theus");
    if (!folder || *folder || at == at.parent_path())
      return folder;
  }
}

std::vector<std::string> dead_entries(const AttachFolder& folder, const std::vector<std::string>& running) {
  std::vector<std::string> dead;
  for (const std::string& name : folder.names()) {
    const std::string engine = name.ends_with(".token") ? name.substr(0, name.rfind('.')) : name;
    if (name.starts_with("engine-") && std::ranges::find(running, engine) == running.end())
      dead.push_back(name);
  }
  return dead;
}

std::string names_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + name;
  return list;
}

Finding engines(const DiagnosisOptions& options) {
  const auto folder = project_folder(options.from);
  Finding finding{.subject = "engines"};
  const auto blame = [&](std::string text, std::string remedy) {
    finding.verdict = Verdict::wrong;
    finding.text = std::move(text);
    finding.remedy = std::move(remedy);
    return finding;
  };
  if (!folder)
    return blame(folder.error().where() + ": " + folder.error().cause(), folder.error().remedy());
  if (!*folder) {
    finding.text = "none runs in this project";
    return finding;
  }
  const auto running = running_engines(**folder);
  Value seen = Value::list();
  constexpr std::chrono::milliseconds patience{2000};
  for (const std::string& name : running) {
    auto engine = AttachedEngine::attach(std::string{handle_scheme} + ((*folder)->path() / name).string(), patience);
    const auto info = engine ? engine->info(patience) : Result<EngineInfo>{engine.error()};
    if (!info)
      return blame(name + " does not answer: " + info.error().cause(), info.error().remedy());
    seen.push_back({{"name", name}, {"pid", info->pid}, {"theus", info->theus_version}});
    if (info->theus_version != THEUS_VERSION)
      return blame(name + " runs theus " + info->theus_version + ", this is " THEUS_VERSION,
                   "Use the command of the engine's installation");
  }
  const auto dead = dead_entries(**folder, running);
  finding.facts = {{"folder", (*folder)->path().string()}, {"running", seen}};
  if (!dead.empty())
    return blame((*folder)->path().string() + " holds what killed engines left: " + names_of(dead),
                 "The next engine that starts there removes it");
  finding.text = std::to_string(running.size()) + " run in " + (*folder)->path().string();
  return finding;
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::fallback: return "fallback";
    case Verdict::wrong: return "wrong";
  }
  return "unknown";
}

std::vector<Finding> diagnose(const DiagnosisOptions& options) {
  std::vector<Finding> findings;
  for (const auto look : {versions, sealed_memory, process_descriptors, fences, huge_pages, limits, memory,
                          shared_memory, segments, engines})
    findings.push_back(look(options));
  return findings;
}

namespace {

NamedSegments as_told(shm::ReapReport report) { return {std::move(report.dead), report.bytes, report.alive}; }

}  // namespace

NamedSegments find_named_segments(const std::filesystem::path& folder) {
  return as_told(shm::find_segments(folder.string()));
}
NamedSegments remove_dead_segments(const std::filesystem::path& folder) {
  return as_told(shm::remove_dead_segments(folder.string()));
}

}  // namespace theus
