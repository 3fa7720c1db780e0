#include "tests/support/fault_files.hpp"

#include "tests/support/power_cut.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace theus::testing {
namespace {

using Call = FaultFiles::Call;
using Fault = FaultFiles::Fault;
using Loss = FaultFiles::Loss;

}  // namespace

struct FaultFiles::Layer {
  Layer();
  ~Layer() { sqlite3_vfs_unregister(&vfs); }

  /// The code to answer instead of doing it; SQLITE_OK: do it.
  int refuse(Call call);
  void record(Change change) {
    const std::lock_guard lock{mutex};
    changes.push_back(std::move(change));
  }

  sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs{};
  std::string name;

  mutable std::mutex mutex;
  std::vector<Change> changes;
  std::map<std::string, bool> known;  // files whose content at the beginning is recorded
  std::size_t calls = 0;
  std::size_t fails_at = 0;
  Fault fault = Fault::full;
  bool for_good = false;
  bool only_reads = false;
  std::optional<Call> failed;
  bool tears = false;  // the write that fails
};

namespace {

using Layer = FaultFiles::Layer;

struct File {
  sqlite3_file base;  // first: SQLite sees only this
  Layer* layer;
  bool is_recorded;
  bool syncs_folder;  // with the next sync, as SQLite's own layer does it
  std::string* name;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real_of(sqlite3_file* file) { return file_of(file).real(); }

template <auto Member, class... Arguments>
int pass(sqlite3_file* file, Arguments... arguments) {
  sqlite3_file* const real = real_of(file);
  return (real->pMethods->*Member)(real, arguments...);
}

int close(sqlite3_file* file) {
  delete file_of(file).name;
  return pass<&sqlite3_io_methods::xClose>(file);
}

int read(sqlite3_file* file, void* into, int count, sqlite3_int64 at) {
  if (const int refused = file_of(file).layer->refuse(Call::read); refused != SQLITE_OK)
    return refused;
  return pass<&sqlite3_io_methods::xRead>(file, into, count, at);
}

int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
  File& ours = file_of(file);
  const int refused = ours.layer->refuse(Call::write);
  if (refused != SQLITE_OK && !ours.layer->tears)
    return refused;
  if (refused != SQLITE_OK)
    count /= 2;
  if (const int code = pass<&sqlite3_io_methods::xWrite>(file, from, count, at); code != SQLITE_OK)
    return code;
  if (ours.is_recorded)
    ours.layer->record({*ours.name, Change::Kind::write, static_cast<std::size_t>(at),
                        std::string{static_cast<const char*>(from), static_cast<std::size_t>(count)}});
  return refused;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& ours = file_of(file);
  if (const int refused = ours.layer->refuse(Call::truncate); refused != SQLITE_OK)
    return refused;
  if (ours.is_recorded)
    ours.layer->record({*ours.name, Change::Kind::truncate, static_cast<std::size_t>(size)});
  return pass<&sqlite3_io_methods::xTruncate>(file, size);
}

int sync(sqlite3_file* file, int) {
  File& ours = file_of(file);
  const int refused = ours.layer->refuse(Call::sync);
  if (ours.is_recorded && !(refused != SQLITE_OK && ours.layer->fault == Fault::death))
    ours.layer->record({*ours.name, refused == SQLITE_OK ? Change::Kind::sync : Change::Kind::failed_sync});
  if (refused == SQLITE_OK && std::exchange(ours.syncs_folder, false))
    ours.layer->record({{}, Change::Kind::folder_sync});
  return refused;
}

int control(sqlite3_file* file, int what, void* argument) {
  const bool counts = what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_SYNC;
  if (counts)
    if (const int refused = file_of(file).layer->refuse(Call::control); refused != SQLITE_OK)
      return refused;
  return pass<&sqlite3_io_methods::xFileControl>(file, what, argument);
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** at) {
  if (const int refused = file_of(file).layer->refuse(Call::map); refused != SQLITE_OK)
    return refused;
  return pass<&sqlite3_io_methods::xShmMap>(file, region, size, extend, at);
}

void barrier(sqlite3_file* file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }

using Methods = sqlite3_io_methods;
const Methods methods{
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = pass<&Methods::xFileSize, sqlite3_int64*>,
    .xLock = pass<&Methods::xLock, int>,
    .xUnlock = pass<&Methods::xUnlock, int>,
    .xCheckReservedLock = pass<&Methods::xCheckReservedLock, int*>,
    .xFileControl = control,
    .xSectorSize = pass<&Methods::xSectorSize>,
    .xDeviceCharacteristics = pass<&Methods::xDeviceCharacteristics>,
    .xShmMap = map_shared,
    .xShmLock = pass<&Methods::xShmLock, int, int, int>,
    .xShmBarrier = barrier,
    .xShmUnmap = pass<&Methods::xShmUnmap, int>,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Layer& layer_of(sqlite3_vfs* vfs) { return *static_cast<Layer*>(vfs->pAppData); }

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// What stood in a file before anything was recorded is taken to be safe.
void begin_file(Layer& layer, const std::filesystem::path& path, bool is_there) {
  const std::string name = path.filename();
  const std::lock_guard lock{layer.mutex};
  if (layer.known.emplace(name, true).second && is_there) {
    layer.changes.push_back({name, Change::Kind::made});
    layer.changes.push_back({name, Change::Kind::write, 0, content_of(path)});
    layer.changes.push_back({name, Change::Kind::sync});
    layer.changes.push_back({{}, Change::Kind::folder_sync});
  } else if (!is_there) {
    layer.changes.push_back({name, Change::Kind::made});
  }
}

int open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* flags_out) {
  Layer& layer = layer_of(vfs);
  File& ours = file_of(file);
  ours.base.pMethods = nullptr;
  if (const int refused = layer.refuse(Call::open); refused != SQLITE_OK)
    return refused;
  const bool is_there = path != nullptr && std::filesystem::exists(path);
  if (const int code = layer.real->xOpen(layer.real, path, ours.real(), flags, flags_out); code != SQLITE_OK)
    return code;
  ours.layer = &layer;
  ours.is_recorded = path != nullptr;
  constexpr int kept_beside = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  ours.syncs_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kept_beside) != 0;
  ours.name = new std::string{path != nullptr ? std::filesystem::path{path}.filename().string() : std::string{}};
  ours.base.pMethods = &methods;
  if (path != nullptr)
    begin_file(layer, path, is_there);
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  Layer& layer = layer_of(vfs);
  if (const int refused = layer.refuse(Call::remove); refused != SQLITE_OK)
    return refused;
  const std::string name = std::filesystem::path{path}.filename();
  layer.record({name, Change::Kind::remove, static_cast<std::size_t>(sync_folder)});
  return layer.real->xDelete(layer.real, path, 0);
}

template <auto Member, class... Arguments>
auto pass_on(sqlite3_vfs* vfs, Arguments... arguments) {
  sqlite3_vfs* const real = layer_of(vfs).real;
  return (real->*Member)(real, arguments...);
}

}  // namespace

FaultFiles::Layer::Layer() {
  static std::atomic<int> made{0};
  name = "theus-faults-" + std::to_string(++made);
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  vfs.mxPathname = real->mxPathname;
  vfs.zName = name.c_str();
  vfs.pAppData = this;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = pass_on<&sqlite3_vfs::xAccess, const char*, int, int*>;
  vfs.xFullPathname = pass_on<&sqlite3_vfs::xFullPathname, const char*, int, char*>;
  vfs.xRandomness = pass_on<&sqlite3_vfs::xRandomness, int, char*>;
  vfs.xSleep = pass_on<&sqlite3_vfs::xSleep, int>;
  vfs.xCurrentTime = pass_on<&sqlite3_vfs::xCurrentTime, double*>;
  vfs.xGetLastError = pass_on<&sqlite3_vfs::xGetLastError, int, char*>;
  vfs.xCurrentTimeInt64 = pass_on<&sqlite3_vfs::xCurrentTimeInt64, sqlite3_int64*>;
  sqlite3_vfs_register(&vfs, 0);
}

int FaultFiles::Layer::refuse(Call call) {
  const std::lock_guard lock{mutex};
  tears = false;
  if (only_reads != (call == Call::read) && !(fault == Fault::death && failed))
    return SQLITE_OK;
  ++calls;
  if (fails_at == 0 || calls < fails_at || (calls > fails_at && !for_good))
    return SQLITE_OK;
  const bool is_io = fault == Fault::io || fault == Fault::death;
  const bool needs_room = call == Call::write || call == Call::control || call == Call::map;
  if (for_good && !is_io && !needs_room)
    return SQLITE_OK;
  if (!failed)
    failed = call;
  errno = is_io ? EIO : fault == Fault::quota ? EDQUOT : ENOSPC;
  tears = fault == Fault::torn && call == Call::write;
  switch (call) {
    case Call::open: errno = EMFILE; return SQLITE_CANTOPEN;
    case Call::read: return SQLITE_IOERR_READ;
    case Call::write: return is_io || fault == Fault::quota ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    case Call::truncate: return SQLITE_IOERR_TRUNCATE;
    case Call::sync: return SQLITE_IOERR_FSYNC;
    case Call::remove: return SQLITE_IOERR_DELETE;
    case Call::control: return is_io || fault == Fault::quota ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    case Call::map: return SQLITE_IOERR_SHMSIZE;
  }
  return SQLITE_ERROR;
}

FaultFiles::FaultFiles() : layer_(std::make_unique<Layer>()) {}
FaultFiles::~FaultFiles() = default;

const std::string& FaultFiles::name() const noexcept { return layer_->name; }

void FaultFiles::fail(std::size_t nth, Fault fault, bool for_good, bool only_reads) {
  const std::lock_guard lock{layer_->mutex};
  layer_->calls = 0;
  layer_->fails_at = nth;
  layer_->fault = fault;
  layer_->for_good = for_good;
  layer_->only_reads = only_reads;
  layer_->failed.reset();
}

void FaultFiles::work_again() {
  const std::lock_guard lock{layer_->mutex};
  layer_->fails_at = 0;
  layer_->only_reads = false;
  layer_->fault = Fault::full;
}

std::size_t FaultFiles::calls() const {
  const std::lock_guard lock{layer_->mutex};
  return layer_->calls;
}

std::optional<FaultFiles::Call> FaultFiles::failed() const {
  const std::lock_guard lock{layer_->mutex};
  return layer_->failed;
}

std::size_t FaultFiles::changes() const {
  const std::lock_guard lock{layer_->mutex};
  return layer_->changes.size();
}

FaultFiles::Image FaultFiles::cut(std::size_t changes, Loss loss, std::uint32_t seed) const {
  const std::lock_guard lock{layer_->mutex};
  std::map<std::string, Fate> fates;
  for (const Change& change : std::span{layer_->changes}.first(changes)) {
    if (change.kind == Change::Kind::folder_sync) {
      for (auto& [name, of_folder] : fates)
        of_folder.sync_folder();
      continue;
    }
    Fate& fate = fates[change.file];
    switch (change.kind) {
      case Change::Kind::sync: fate.sync(); break;
      case Change::Kind::failed_sync: fate.fail_sync(); break;
      case Change::Kind::remove: fate.steps.push_back({&change, change.at != 0}); break;
      default: fate.steps.push_back({&change});
    }
  }
  Cutter cutter{loss, seed};
  Image image;
  for (const auto& [name, fate] : fates)
    if (auto content = cutter.content(fate))
      image.emplace(name, *std::move(content));
  return image;
}

void write_image(const FaultFiles::Image& image, const std::filesystem::path& folder) {
  for (const auto& [name, content] : image) {
    std::ofstream file{folder / name, std::ios::binary | std::ios::trunc};
    file << content;
  }
}

std::string_view to_string(FaultFiles::Call call) noexcept {
  constexpr std::array<std::string_view, 8> names{"open", "read",   "write",   "truncate",
                                                  "sync", "delete", "control", "map"};
  return names[static_cast<std::size_t>(call)];
}

std::string_view to_string(FaultFiles::Fault fault) noexcept {
  constexpr std::array<std::string_view, 5> names{"full", "torn", "quota", "io", "death"};
  return names[static_cast<std::size_t>(fault)];
}

std::string_view to_string(FaultFiles::Loss loss) noexcept {
  constexpr std::array<std::string_view, FaultFiles::losses> names{"all", "nothing", "some", "sectors", "zeros"};
  return names[static_cast<std::size_t>(loss)];
}

}  // namespace theus::testing
