#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/access.h"
#include "backend/file/file_backend.h"
#include "backend/memory/memory_backend.h"
#include "core/gate.h"
#include "core/janitor.h"
#include "core/mount_points.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/owners.h"
#include "core/parts.h"
#include "core/settle.h"
#include "core/test_backend.h"
#include "identity/identity.h"
#include "identity/local_keys.h"
#include "io/sim_disk.h"
#include "kv/store.h"
#include "meta/tree.h"

namespace beringia::core::test {

/// The value, or the end of the test program: for what must work in a test's set-up.
template <class T>
T must(Result<T> result, const char* what = "set-up") {
  if (!result) {
    ADD_FAILURE() << what << ": " << result.error().to_string();
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A clock that the test moves. Thread-safe.
class HandClock final : public Clock {
 public:
  Timestamp wall() const override { return {micros_.load()}; }
  MonotonicTime monotonic() const override { return {micros_.load() * 1000}; }
  void pass(Duration time) { micros_ += time.count() / 1000; }

 private:
  std::atomic<int64_t> micros_{1'790'000'000'000'000};
};

/// Audit records go straight to the stream in the catalog: enough for tests of other rooms.
class StreamLog final : public audit::Log {
 public:
  explicit StreamLog(kv::Store& store) : store_{store} {}
  void record(const io::Context& context, audit::Record record) override {
    kv::Batch batch;
    batch.append(std::string{audit::kStream}, audit::to_canonical_json(record));
    (void)store_.commit(context, std::move(batch), kv::Durability::kBuffered);
  }
  Result<void> flush(const io::Context&) override { return {}; }
  uint64_t size() const override { return 0; }

 private:
  kv::Store& store_;
};

struct MountSpec {
  std::string path = "/";             // directory form
  std::vector<std::string> backends;  // "disk" or "disk:prefix/", in order
  bool exclusive = true;
  Duration max_staleness{0};  // of shared mounts; 0 = checked on every access
  bool read_only = false;
};

struct WorldOptions {
  std::vector<std::string> file_backends = {"disk"};  // trees of the simulated disk
  std::vector<std::string> memory_backends;           // stand for remote stores
  std::vector<MountSpec> mounts = {{"/", {"disk"}}};
  std::vector<std::pair<std::string, std::string>> aliases;  // bucket name -> directory
  std::vector<meta::PolicyDeclaration> policies;
  std::vector<meta::NotificationTargetDeclaration> notification_targets;
  /// The catalog's log lies on the simulated disk, so restart() after a crash of the disk is a
  /// power loss. False: the catalog is in memory and outlives restart().
  bool catalog_on_disk = false;
  io::SimDiskOptions disk;
  bool start = true;  // false: start() follows
  /// Null: the runtime's clock, or the machine's.
  const Clock* clock = nullptr;
  uint64_t seed = 1;
  // For faults planted on purpose: what stands between the parts.
  std::function<std::unique_ptr<kv::Store>(std::unique_ptr<kv::Store>)> wrap_store;
  std::function<std::unique_ptr<io::Disk>(io::Disk&)> wrap_disk;  // of the file backends
  std::function<std::shared_ptr<backend::Backend>(std::shared_ptr<backend::Backend>)> wrap_backend;
};

/// A whole namespace in one process: simulated disk, backends behind FaultyBackend, catalog,
/// identity, access, audit stream, Gate and Namespace, started as the server starts. With a runtime
/// the test runs on its fibers; without one every call blocks the calling thread.
///
/// restart() takes away what a process holds and starts again over what a crash leaves.
class World {
 public:
  explicit World(WorldOptions options = {}, io::Runtime* runtime = nullptr)
      : options_{std::move(options)}, runtime_{runtime}, rng_{options_.seed}, disk_{options_.disk} {
    meta::BackendId id = 0;
    for (const auto& name : options_.file_backends) {
      disk_.prepare_directory(root_of(name));
      ids_[name] = ++id;
    }
    for (const auto& name : options_.memory_backends) {
      remote_[name] = std::make_shared<backend::memory::MemoryBackend>();
      ids_[name] = ++id;
    }
    disk_.prepare_directory("/catalog");
    disk_.prepare_directory("/elsewhere");
    if (options_.wrap_disk) wrapped_disk_ = options_.wrap_disk(disk_);
    for (const auto& [name, number] : ids_) connect(name);
    if (options_.start) start();
  }
  ~World() { stop(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- the process ----------------------------------------------------------------------------
  void start() { must(try_start(), "start"); }
  /// As start(), where a crash may come in between.
  [[nodiscard]] Result<void> try_start() {
    for (const auto& name : options_.file_backends) connect(name);  // open files are the process's
    if (!store_ || options_.catalog_on_disk) {
      BR_TRY(opened,
             options_.catalog_on_disk ? kv::open_memory(&disk_, "/catalog") : kv::open_memory());
      store_ = options_.wrap_store ? options_.wrap_store(std::move(opened)) : std::move(opened);
    }
    process_ = std::make_unique<Process>(*this);
    auto opened = process_->open(*this);
    if (!opened) process_.reset();
    return opened;
  }
  /// As SIGTERM does: a clean end.
  void stop() {
    if (!process_) return;
    process_->janitor.reset();
    (void)end_boot(context, *store_);
    process_.reset();
  }
  /// Forgets what the process knew, without a clean end, and starts again.
  void restart() { must(try_restart(), "restart"); }
  void forget_process() { process_.reset(); }
  [[nodiscard]] Result<void> try_restart() {
    forget_process();
    return try_start();
  }
  void start_janitor(Janitor::Options options = {}) {
    process_->janitor = std::make_unique<Janitor>(*runtime_, parts(), options);
  }

  Namespace& names() { return *process_->names; }
  Gate& gate() { return *process_->gate; }
  Namespace::Parts& parts() { return *process_->parts; }
  kv::Store& store() { return *store_; }
  identity::Directory& directory() { return *process_->directory; }
  access::Evaluator& evaluator() { return *process_->evaluator; }
  audit::Log& log() { return process_->log; }
  io::SimDisk& disk() { return disk_; }
  Rng& rng() { return rng_; }
  const Clock& clock() const { return *process_->clock; }
  std::shared_ptr<const Mounts> mounts() { return process_->mounts.get(); }
  void set_policies(std::vector<meta::PolicyDeclaration> policies) {
    options_.policies = std::move(policies);
    process_->mount(*this);
  }
  void set_targets(std::vector<meta::NotificationTargetDeclaration> targets) {
    options_.notification_targets = std::move(targets);
    process_->mount(*this);
  }
  void set_mounts(std::vector<MountSpec> mounts) {
    options_.mounts = std::move(mounts);
    process_->mount(*this);
  }

  // ---- backends -------------------------------------------------------------------------------
  FaultyBackend& faults(const std::string& name) { return *backends_.at(name); }
  meta::BackendId id_of(const std::string& name) const { return ids_.at(name); }
  static std::string root_of(const std::string& name) { return "/backends/" + name; }
  /// Failed backends are asked again at once.
  void forgive_backends() {
    for (const auto& [name, id] : ids_) mounts()->backend(name)->avoid_until = 0;
  }
  /// What someone else does behind our back, durable at once.
  void foreign_write(const std::string& backend, const std::string& name,
                     const std::string& bytes) {
    if (auto remote = remote_.find(backend); remote != remote_.end()) {
      remote->second->put_foreign(name, bytes);
      return;
    }
    const std::string path = root_of(backend) + "/" + name;
    must(make_parents(path), "foreign directory");
    auto file = must(disk_.open(path, io::OpenMode::kCreateOrTruncate), "foreign file");
    must(file->write_at(0, bytes));
    must(file->sync());
    must(disk_.sync_directory(path.substr(0, path.rfind('/'))));
  }
  /// As foreign_write() and foreign_remove() where a crash may come in between; files are replaced
  /// as a whole.
  [[nodiscard]] Result<void> foreign_replace(const std::string& backend, const std::string& name,
                                             const std::string& bytes) {
    if (auto remote = remote_.find(backend); remote != remote_.end()) {
      remote->second->put_foreign(name, bytes);
      return {};
    }
    const std::string path = root_of(backend) + "/" + name;
    const std::string temporary = "/elsewhere/" + std::to_string(rng_.next());
    BR_TRY(file, disk_.open(temporary, io::OpenMode::kCreateOrTruncate));
    BR_TRY(file->write_at(0, bytes));
    BR_TRY(file->sync());
    // The directory may go at any time, when our own side empties it.
    for (int attempt = 1;; ++attempt) {
      BR_TRY(make_parents(path));
      auto moved = disk_.rename(temporary, path);
      if (moved) break;
      if (attempt == 16 || moved.error().code() != Code::kNotFound) return moved;
    }
    return disk_.sync_directory(path.substr(0, path.rfind('/')));
  }
  [[nodiscard]] Result<void> foreign_drop(const std::string& backend, const std::string& name) {
    if (auto remote = remote_.find(backend); remote != remote_.end()) {
      return remote->second->remove(context, {name, {}});
    }
    const std::string path = root_of(backend) + "/" + name;
    BR_TRY(disk_.unlink(path));
    return disk_.sync_directory(path.substr(0, path.rfind('/')));
  }
  void foreign_remove(const std::string& backend, const std::string& name) {
    if (auto remote = remote_.find(backend); remote != remote_.end()) {
      must(remote->second->remove(context, {name, {}}));
      return;
    }
    const std::string path = root_of(backend) + "/" + name;
    must(disk_.unlink(path));
    must(disk_.sync_directory(path.substr(0, path.rfind('/'))));
  }
  bool has_native(const std::string& backend, const std::string& name) {
    return faults(backend).inner().stat(context, {name}).has_value();
  }

  /// How many native objects of a memory backend have names that begin so, ours included.
  size_t remote_names(const std::string& backend, const std::string& prefix) {
    return remote_.at(backend)->count_names(prefix);
  }

  // ---- requests -------------------------------------------------------------------------------
  /// A verified principal; made with an access key when it is first asked for.
  identity::Principal principal(const std::string& name = "root") {
    return must(try_principal(name), "principal");
  }
  [[nodiscard]] Result<identity::Principal> try_principal(const std::string& name) {
    identity::Directory& people = directory();
    auto& key = keys_[name];
    if (!key || !people.find_access_key(context, key->id)) {
      BR_TRY(people.put_principal(context, {name, {}, false}));
      BR_TRY(made, people.create_access_key(context, name));
      key = std::move(made);
    }
    return people.principal_of(context, *key);
  }
  [[nodiscard]] Result<Grant> admit(Action action, const std::string& path,
                                    const std::string& who = "root") {
    return gate().admit(context, principal(who), action, must(Path::parse(path), "path"),
                        Door{"test", "test", "127.0.0.1", "request"});
  }
  Grant grant(Action action, const std::string& path, const std::string& who = "root") {
    return must(admit(action, path, who), "admit");
  }

  [[nodiscard]] Result<DirectoryInfo> make_directory(const std::string& path,
                                                     const std::string& who = "root") {
    return names().make_directory(context, grant(Action::kAdminister, path, who), {});
  }
  [[nodiscard]] Result<Entry> put(const std::string& path, const std::string& bytes,
                                  WriteRequest request = {}, const std::string& who = "root") {
    io::StringSource body{bytes};
    request.body = &body;
    return names().write(context, grant(Action::kWrite, path, who), request);
  }
  [[nodiscard]] Result<std::string> get(const std::string& path, const ReadRequest& request = {}) {
    BR_TRY(open, names().read(context, grant(Action::kRead, path), request));
    BR_TRY(bytes, io::read_all(context, *open.body, 64 << 20));
    if (bytes.size() != open.range.length) {
      return std::unexpected(corrupt("a read was short", std::to_string(bytes.size())));
    }
    return std::move(bytes);
  }
  [[nodiscard]] Result<Entry> stat(const std::string& path) {
    return names().stat(context, grant(Action::kRead, path));
  }
  [[nodiscard]] Result<Entry> remove(const std::string& path, const Conditions& conditions = {}) {
    BR_TRY(removed, names().remove(context, grant(Action::kDelete, path), {conditions, {}}));
    return std::move(*removed.entry);
  }
  [[nodiscard]] Result<Removed> remove_generation(const std::string& path, uint64_t generation,
                                                  bool brings_back = true) {
    return names().remove(context, grant(Action::kDelete, path), {{}, generation, brings_back});
  }
  void set_versioning(const std::string& bucket, std::string_view state) {
    must(names().set_directory_attributes(
        context, grant(Action::kAdminister, bucket),
        {{std::string{kVersioningAttribute}, std::string{state}}}));
  }
  [[nodiscard]] Result<VersionPage> list_versions(const std::string& directory,
                                                  const ListVersionsRequest& request = {}) {
    return names().list_versions(context, grant(Action::kList, directory), request);
  }
  [[nodiscard]] Result<ListPage> list(const std::string& directory,
                                      const ListRequest& request = {}) {
    return names().list(context, grant(Action::kList, directory), request);
  }
  [[nodiscard]] Result<Entry> copy(const std::string& from, const std::string& to,
                                   const CopyRequest& request = {}) {
    return names().copy(context, grant(Action::kRead, from), grant(Action::kWrite, to), request);
  }
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) {
    return names().rename(context, grant(Action::kDelete, from), grant(Action::kWrite, to), {}, {});
  }
  [[nodiscard]] Result<void> rename_directory(const std::string& from, const std::string& to) {
    return names().rename_directory(context, grant(Action::kDelete, from),
                                    grant(Action::kWrite, to));
  }
  /// Names of one page (items, then prefixes), or the error's text.
  std::vector<std::string> names_in(const std::string& directory, const ListRequest& request = {}) {
    auto page = list(directory, request);
    if (!page) return {"error: " + page.error().to_string()};
    std::vector<std::string> found;
    for (const auto& item : page->items) found.push_back(item.name);
    found.insert(found.end(), page->prefixes.begin(), page->prefixes.end());
    return found;
  }

  io::Context context;

 private:
  struct Process {
    explicit Process(World& world)
        : clock{world.options_.clock        ? world.options_.clock
                : world.runtime_ != nullptr ? &world.runtime_->clock()
                                            : &system_clock},
          tree{*world.store_, world.rng_},
          generations{*world.store_, *clock},
          owners{tree, *world.store_},
          log{*world.store_} {}

    /// The start of the server: catalog, mounts, recovery; then it may be asked.
    Result<void> open(World& world) {
      kv::Store& store = *world.store_;
      BR_TRY(tree.initialize(world.context, clock->wall()));
      BR_TRY(generations.open(world.context));
      BR_TRY(people,
             identity::Directory::open(store, *clock, world.rng_, {Secret{std::string(32, 'k')}}));
      directory = std::move(people);
      BR_TRY(rules, access::Evaluator::open(store));
      evaluator = std::move(rules);
      evaluator->set_owner_lookup(&owners);
      gate = std::make_unique<Gate>(*evaluator, log, *clock);
      BR_TRY(started, begin_boot(world.context, store, 1));
      boot = started;
      mount(world);
      parts = std::make_unique<Namespace::Parts>(store, tree, generations, mounts, *clock,
                                                 world.rng_, chooser, boot.number);
      parts->server_keys = &world.server_keys_;
      parts->named_keys = &world.named_keys_;
      names = std::make_unique<Namespace>(*parts);
      BR_TRY(make_mount_points(world.context, *parts));
      settle_all(world.context, *parts, *mounts.get());
      BR_TRY(left, recover_intents(world.context, *parts));
      parts->unsettled_intents = left;
      BR_TRY(directory->ensure_root(world.context, {}, {}));
      return {};
    }

    void mount(World& world) {
      meta::Estate estate;
      std::vector<std::shared_ptr<const LiveBackend>> live;
      for (const auto& [name, id] : world.ids_) {
        meta::BackendDeclaration declaration;
        declaration.name = name;
        declaration.id = id;
        declaration.url = world.remote_.contains(name) ? "memory:" : "file://" + root_of(name);
        auto running = std::make_shared<LiveBackend>();
        running->declaration = declaration;
        running->client = world.backends_.at(name);
        estate.backends.push_back(std::move(declaration));
        live.push_back(std::move(running));
      }
      for (const auto& spec : world.options_.mounts) {
        meta::MountDeclaration declaration;
        declaration.path = must(Path::parse(spec.path), "mount path");
        for (const auto& place : spec.backends) {
          const size_t colon = place.find(':');
          declaration.locations.push_back(
              {place.substr(0, colon), colon == std::string::npos ? "" : place.substr(colon + 1)});
        }
        declaration.freshness = {spec.exclusive, spec.max_staleness};
        declaration.read_only = spec.read_only;
        estate.mounts.push_back(std::move(declaration));
      }
      for (const auto& [name, target] : world.options_.aliases) {
        estate.aliases.push_back({name, must(Path::parse(target), "alias")});
      }
      estate.policies = world.options_.policies;
      estate.notification_targets = world.options_.notification_targets;
      mounts.set(
          std::make_shared<const Mounts>(std::move(estate), std::move(live), boot.sync_epoch));
    }

    SystemClock system_clock;
    const Clock* clock;
    meta::Tree tree;
    meta::GenerationClock generations;
    Boot boot;
    MountTable mounts;
    FirstLocation chooser;
    TreeOwners owners;
    StreamLog log;
    std::unique_ptr<identity::Directory> directory;
    std::unique_ptr<access::Evaluator> evaluator;
    std::unique_ptr<Gate> gate;
    std::unique_ptr<Namespace::Parts> parts;
    std::unique_ptr<Namespace> names;
    std::unique_ptr<Janitor> janitor;
  };

  void connect(const std::string& name) {
    std::shared_ptr<backend::Backend> inner;
    if (auto remote = remote_.find(name); remote != remote_.end()) {
      inner = remote->second;
    } else {
      inner = std::make_shared<backend::file::FileBackend>(
          backend::file::FileOptions{root_of(name), 8}, wrapped_disk_ ? *wrapped_disk_ : disk_,
          rng_);
    }
    if (options_.wrap_backend) inner = options_.wrap_backend(std::move(inner));
    auto& backend = backends_[name];
    if (backend) {
      backend->reconnect(std::move(inner));
    } else {
      backend = std::make_shared<FaultyBackend>(std::move(inner));
    }
  }

  Result<void> make_parents(const std::string& path) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string directory = path.substr(0, slash);
      if (disk_.stat(directory)) continue;
      auto made = disk_.make_directory(directory);
      if (!made && made.error().code() != Code::kAlreadyExists) return made;
      const size_t parent = directory.rfind('/');
      BR_TRY(disk_.sync_directory(parent == 0 ? "/" : directory.substr(0, parent)));
    }
    return {};
  }

  WorldOptions options_;
  io::Runtime* runtime_;
  SeededRng rng_;
  // The key file: it outlives the process.
  identity::LocalKeys server_keys_{
      {{"server/test", Secret{std::string(32, 's')}}}, identity::LocalKeys::Default::kLast, rng_};
  identity::LocalKeys named_keys_{
      {{"default", Secret{std::string(32, '1')}}, {"second", Secret{std::string(32, '2')}}},
      identity::LocalKeys::Default::kCalledDefault,
      rng_};
  io::SimDisk disk_;
  std::unique_ptr<io::Disk> wrapped_disk_;
  std::map<std::string, meta::BackendId> ids_;
  // Owners of the backends: this world and the mounts of its process.
  std::map<std::string, std::shared_ptr<backend::memory::MemoryBackend>> remote_;
  std::map<std::string, std::shared_ptr<FaultyBackend>> backends_;
  std::unique_ptr<kv::Store> store_;
  std::map<std::string, std::optional<identity::AccessKey>> keys_;
  std::unique_ptr<Process> process_;
};

}  // namespace beringia::core::test
