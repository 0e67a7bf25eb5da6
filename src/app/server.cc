#include "app/server.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "app/data_directory.h"
#include "app/flag_estate.h"
#include "app/listen_address.h"
#include "app/live_estate.h"
#include "app/store_watch.h"
#include "audit/intake.h"
#include "core/janitor.h"
#include "core/operations.h"
#include "core/owners.h"
#include "core/parts.h"
#include "events/dispatcher.h"
#include "events/native_changes.h"
#include "identity/local_keys.h"
#include "io/http.h"
#include "io/http2.h"
#include "io/runtime.h"
#include "meta/estate.h"
#include "observe/log.h"
#include "policy/inventory.h"
#include "policy/policy.h"
#include "policy/scan_keeper.h"
#include "protocol/admin/service.h"
#include "protocol/gcs/grpc/grpc_service.h"
#include "protocol/gcs/metadata_server.h"
#include "protocol/gcs/notification_payload.h"
#include "protocol/gcs/service.h"
#include "protocol/s3/access_logs.h"
#include "protocol/s3/service.h"

namespace beringia::app {
namespace {

constexpr Duration kRecoveryPatience = std::chrono::seconds{2};
constexpr uint64_t kUncleanMask = 0xffffffff;  // low half of a sync epoch, as core::begin_boot

io::HttpServerLimits limits_of(const Settings& settings) {
  io::HttpServerLimits limits;
  limits.max_header_bytes = settings.max_header_bytes;
  limits.header_timeout = settings.header_timeout;
  limits.idle_timeout = settings.idle_timeout;
  limits.body_idle_timeout = settings.body_idle_timeout;
  limits.min_body_bytes_per_s = settings.min_body_rate;
  limits.request_timeout = settings.request_timeout;
  limits.max_connections = settings.max_connections;
  return limits;
}

Result<std::shared_ptr<io::TlsContext>> tls_of(const Settings& settings,
                                               bool offers_http2 = false) {
  if (settings.tls_certificate.empty() && settings.tls_key.empty()) {
    return std::shared_ptr<io::TlsContext>{};
  }
  if (settings.tls_certificate.empty() || settings.tls_key.empty()) {
    return std::unexpected(invalid("cannot serve TLS",
                                   "only one of tls_certificate and tls_key is "
                                   "given",
                                   "give both, or neither"));
  }
  const io::TlsServerFiles files{settings.tls_certificate, settings.tls_key};
  return offers_http2 ? io::make_tls_http2_server(files) : io::make_tls_server(files);
}

/// Before the catalog is opened: what is wrong with a door shall not count as an unclean stop.
/// Whoever reaches the metadata server has its principal's rights: it is said whose and to whom.
Result<void> check_metadata(const Settings& settings) {
  if (settings.metadata == "off") return {};
  const std::string what = "cannot serve metadata at " + settings.metadata;
  if (settings.metadata_principal.empty() || settings.metadata_principal == "root") {
    return std::unexpected(invalid(what, "metadata_principal is not set, or root",
                                   "name the principal whose tokens it gives"));
  }
  BR_TRY(endpoint, io::Endpoint::parse(settings.metadata));
  const bool is_here =
      endpoint.host == "localhost" || endpoint.host == "::1" || endpoint.host.starts_with("127.");
  if (!is_here && settings.metadata_clients.empty()) {
    return std::unexpected(invalid(what, "others than this machine reach it, and none may ask",
                                   "set metadata_clients, or listen at 127.0.0.1"));
  }
  return {};
}

Result<void> check_doors(const Settings& settings) {
  BR_TRY(tls_of(settings));
  for (const auto& [name, address] :
       {std::pair{"s3", &settings.s3}, std::pair{"gcs", &settings.gcs},
        std::pair{"admin", &settings.admin}, std::pair{"metadata", &settings.metadata}}) {
    if (*address == "off") continue;
    BR_TRY(endpoint, io::Endpoint::parse(*address));
    BR_TRY(check_address_is_free(endpoint, name));
  }
  return check_metadata(settings);
}

/// The notifications of a backend that has a subscription, with its own credentials.
Result<std::unique_ptr<backend::gcs::ChangeFeed>> make_change_feed(
    const meta::BackendDeclaration& backend, Rng& rng) {
  backend::gcs::GcsSpec spec;
  spec.name = backend.name;
  spec.url = backend.url;
  spec.credentials = backend.credentials_file;
  return backend::gcs::make_change_feed(spec, backend.subscription, backend.pubsub_endpoint, rng);
}

void print_root(const identity::AccessKey& key) {
  std::printf(
      "Root credentials, made now and shown only this once:\n"
      "  access key  %s\n"
      "  secret key  %s\n",
      key.id.c_str(), key.secret.reveal().c_str());
  std::fflush(stdout);
}

}  // namespace

/// Everything, in the order in which it is built; it ends in the opposite order.
struct Server::Rooms {
  explicit Rooms(const Settings& s) : settings{s} {}

  Settings settings;
  std::optional<DataDirectory> data;
  std::unique_ptr<io::Disk> disk = io::make_posix_disk();
  std::unique_ptr<io::Runtime> runtime;
  std::unique_ptr<kv::Store> store;
  std::unique_ptr<meta::Tree> tree;
  std::unique_ptr<meta::GenerationClock> generations;
  std::unique_ptr<identity::Directory> directory;
  std::optional<identity::LocalKeys> server_keys;
  std::optional<identity::LocalKeys> named_keys;
  std::unique_ptr<access::Evaluator> evaluator;
  std::unique_ptr<core::TreeOwners> owners;
  std::unique_ptr<audit::Log> log;
  std::optional<audit::Intake> intake;
  core::MountTable mounts;
  core::FirstLocation chooser;
  std::unique_ptr<core::Namespace::Parts> parts;
  std::unique_ptr<LiveEstate> estate;
  std::unique_ptr<core::Gate> gate;
  std::unique_ptr<core::Namespace> names;
  std::unique_ptr<policy::Engine> engine;
  std::unique_ptr<policy::InventoryKeeper> inventories;
  std::unique_ptr<policy::ScanKeeper> scans;
  wire::SigningKeys admin_keys;
  std::unique_ptr<protocol::s3::AccessLogs> s3_logs;
  std::unique_ptr<protocol::s3::Service> s3;
  std::unique_ptr<core::Operations> operations;
  std::unique_ptr<protocol::gcs::Service> gcs;
  std::unique_ptr<protocol::gcs::MetadataServer> metadata;
  std::unique_ptr<protocol::admin::Service> admin;
  std::unique_ptr<core::Janitor> janitor;
  std::unique_ptr<events::Dispatcher> events;
  std::unique_ptr<events::NativeChanges> native_changes;
  std::unique_ptr<StoreWatch> stores;
  std::atomic<bool> ready{false};
  std::vector<std::unique_ptr<io::HttpServer>> servers;
  std::string addresses;

  Result<void> open(const RootCredentials& root);
  Result<void> open_identity(const io::Context& context, const RootCredentials& root);
  Result<meta::Estate> choose_estate(const io::Context& context);
  Result<void> open_namespace(const io::Context& context);
  void make_services();
  std::string public_gcs_url() const;
  Result<void> listen();
  Result<void> listen_at(const std::string& name, const std::string& address,
                         const std::shared_ptr<io::TlsContext>& tls, io::HttpHandler handler,
                         io::Http2Handler http2 = {});
  Result<void> close();
};

/// On a fiber.
Result<void> Server::Rooms::open(const RootCredentials& root) {
  const io::Context context;
  tree = std::make_unique<meta::Tree>(*store, runtime->rng());
  BR_TRY(tree->initialize(context, runtime->clock().wall()));
  generations = std::make_unique<meta::GenerationClock>(*store, runtime->clock());
  BR_TRY(generations->open(context));
  BR_TRY(open_identity(context, root));
  audit::LogOptions options;
  options.directory = data->audit();
  options.origin = settings.audit_origin;
  options.checkpoint_interval = settings.audit_interval;
  BR_TRY(opened_log, audit::Log::open(*store, *disk, *runtime, options));
  log = std::move(opened_log);
  intake.emplace(*store);
  BR_TRY(open_namespace(context));
  make_services();
  return {};
}

Result<void> Server::Rooms::open_identity(const io::Context& context, const RootCredentials& root) {
  BR_TRY(sealing_key, identity::load_or_create_sealing_key(data->sealing_key(), runtime->rng()));
  identity::DirectoryOptions options;
  options.sealing_key = sealing_key;
  BR_TRY(keys, identity::load_encryption_keys(settings.encryption_keys, sealing_key));
  using Default = identity::LocalKeys::Default;
  server_keys.emplace(std::move(keys.server), Default::kLast, runtime->rng());
  named_keys.emplace(std::move(keys.named), Default::kCalledDefault, runtime->rng());
  options.instance = settings.instance;
  options.token_lifetime = settings.token_lifetime;
  BR_TRY(opened,
         identity::Directory::open(*store, runtime->clock(), runtime->rng(), std::move(options)));
  directory = std::move(opened);
  BR_TRY(made, directory->ensure_root(context, root.access_key, root.secret_key));
  if (made && !root.access_key) print_root(*made);
  BR_TRY(rules, access::Evaluator::open(*store));
  evaluator = std::move(rules);
  owners = std::make_unique<core::TreeOwners>(*tree, *store);
  evaluator->set_owner_lookup(owners.get());
  return {};
}

/// The applied estate if there is one, else what the flags say.
Result<meta::Estate> Server::Rooms::choose_estate(const io::Context& context) {
  BR_TRY(stored, meta::load_estate(context, *store));
  if (stored.applied) {
    if (!settings.mount.empty()) {
      observe::log_info("mount_flags_unused",
                        "An estate was applied; it holds, and --mount is not used.",
                        {observe::field("epoch", stored.epoch)});
    }
    return stored;
  }
  if (settings.mount.empty()) BR_TRY(make_directories(data->objects()));
  BR_TRY(flags, estate_of_flags(settings, data->objects(), stored));
  for (const auto& backend : flags.backends) BR_TRY(check_directory(backend.url));
  BR_TRY(meta::save_estate(context, *store, stored, flags));
  return flags;
}

Result<void> Server::Rooms::open_namespace(const io::Context& context) {
  BR_TRY(declared, choose_estate(context));
  BR_TRY(boot, core::begin_boot(context, *store, declared.epoch));
  parts = std::make_unique<core::Namespace::Parts>(
      *store, *tree, *generations, mounts, runtime->clock(), runtime->rng(), chooser, boot.number);
  parts->server_keys = &*server_keys;
  parts->named_keys = &*named_keys;
  estate = std::make_unique<LiveEstate>(
      LiveEstate::Services{*store, *parts, mounts, *disk, runtime->rng(), *directory});
  if (!declared.applied) BR_TRY(estate->check(declared));  // a flag can be put right at once
  BR_TRY(estate->start(context, declared, boot.sync_epoch & kUncleanMask));
  gate = std::make_unique<core::Gate>(*evaluator, *log, runtime->clock());
  names = std::make_unique<core::Namespace>(*parts);
  const auto patient = context.with_deadline(runtime->clock().monotonic() + kRecoveryPatience);
  BR_TRY(left, core::recover_intents(patient, *parts));
  parts->unsettled_intents += left;
  policy::Options options;
  options.parallel_moves = static_cast<int>(settings.move_workers);
  options.grace = settings.move_grace;
  options.lifecycle.interval = settings.lifecycle_interval;
  options.lifecycle.day = settings.lifecycle_day;
  const policy::Services services{*names, *parts, *gate, *runtime,
                                  [this](const io::Context& at, const std::string& name) {
                                    return directory->principal_named(at, name, "policy run");
                                  }};
  engine = policy::Engine::make(services, options);
  inventories =
      std::make_unique<policy::InventoryKeeper>(services, policy::InventoryKeeper::Options{});
  policy::ScanKeeper::Options scan_options;
  scan_options.interval = settings.scan_interval;
  scans = std::make_unique<policy::ScanKeeper>(services, scan_options);
  BR_TRY(engine->start(context));
  return {};
}

/// "" where GCS is not served.
std::string Server::Rooms::public_gcs_url() const {
  if (!settings.gcs_public_url.empty() || settings.gcs == "off") return settings.gcs_public_url;
  return (settings.tls_certificate.empty() ? "http://" : "https://") + settings.gcs;
}

void Server::Rooms::make_services() {
  const Clock& clock = runtime->clock();
  protocol::s3::Options s3_options;
  if (!settings.s3_domain.empty()) s3_options.domains.push_back(settings.s3_domain);
  if (!settings.s3_website_domain.empty()) {
    s3_options.website_domains.push_back(settings.s3_website_domain);
  }
  s3_options.object_ownership = settings.s3_object_ownership;
  s3_options.signature_v2 = settings.s3_signature_v2 == "on";
  s3_options.customer_keys_over_http = settings.customer_keys == "any";
  s3_logs = std::make_unique<protocol::s3::AccessLogs>(
      *runtime, *names, *gate,
      protocol::s3::AccessLogs::Options{settings.s3_log_interval, s3_options.region});
  s3 = std::make_unique<protocol::s3::Service>(*names, *gate, *directory, clock,
                                               std::move(s3_options), s3_logs.get());
  operations = std::make_unique<core::Operations>(*store, clock);
  gcs = std::make_unique<protocol::gcs::Service>(
      *names, *gate, *directory, *operations, clock,
      protocol::gcs::Options{settings.gcs_public_url, settings.customer_keys == "any",
                             settings.gcs_fault_injection == "on",
                             settings.s3_object_ownership == "BucketOwnerEnforced"});
  metadata = std::make_unique<protocol::gcs::MetadataServer>(
      *gate, *directory, clock,
      protocol::gcs::MetadataOptions{settings.metadata_principal, settings.metadata_clients,
                                     settings.instance, public_gcs_url()});
  std::string token_uri = public_gcs_url();
  if (!token_uri.empty()) token_uri += "/token";
  admin = std::make_unique<protocol::admin::Service>(protocol::admin::Rooms{
      *names, *gate, *directory, *evaluator, *log, *intake, *engine, *inventories, *scans, *estate,
      clock, admin_keys, data->audit(), token_uri, kVersion, settings.move_bandwidth,
      [this] { return ready.load(); }});
}

Result<void> Server::Rooms::listen_at(const std::string& name, const std::string& address,
                                      const std::shared_ptr<io::TlsContext>& tls,
                                      io::HttpHandler handler, io::Http2Handler http2) {
  if (address == "off") return {};
  BR_TRY(endpoint, io::Endpoint::parse(address));
  auto server = io::start_http2_server(
      *runtime, {endpoint, tls, limits_of(settings), name, std::move(handler)}, std::move(http2));
  if (!server) {
    return std::unexpected(
        std::move(server).error().during("listening for " + name + " at " + address));
  }
  endpoint.port = (*server)->port();
  addresses += (addresses.empty() ? "" : ", ") + name + " " + (tls ? "https://" : "http://") +
               endpoint.to_string();
  servers.push_back(std::move(*server));
  return {};
}

Result<void> Server::Rooms::listen() {
  BR_TRY(tls, tls_of(settings));
  BR_TRY(gcs_tls, tls_of(settings, true));
  const auto to = [](auto& service) {
    return [&service](const io::Context& context, io::HttpRequest& request) {
      return service.handle(context, request);
    };
  };
  BR_TRY(listen_at("s3", settings.s3, tls, to(*s3)));
  BR_TRY(listen_at("gcs", settings.gcs, gcs_tls, to(*gcs), protocol::gcs::http2_handler(*gcs)));
  BR_TRY(listen_at("admin", settings.admin, tls, to(*admin)));
  BR_TRY(listen_at("metadata", settings.metadata, nullptr, to(*metadata)));
  janitor = std::make_unique<core::Janitor>(*runtime, *parts, core::Janitor::Options{});
  events::Dispatcher::Options telling;
  telling.message.google_object = [base = public_gcs_url()](std::string_view bucket,
                                                            std::string_view name,
                                                            const meta::EntryRecord& record) {
    return protocol::gcs::notification_payload(base, bucket, name, record);
  };
  events = std::make_unique<events::Dispatcher>(*runtime, *parts, std::move(telling));
  stores = std::make_unique<StoreWatch>(*runtime, mounts);
  native_changes = std::make_unique<events::NativeChanges>(
      *runtime, *parts,
      [this](const auto& backend) { return make_change_feed(backend, runtime->rng()); });
  inventories->start();
  scans->start();
  ready = true;
  return {};
}

Result<void> Server::Rooms::close() {
  ready = false;
  {
    // All doors at once: the time to drain counts once.
    std::vector<std::jthread> stopping;
    for (auto& server : servers) {
      stopping.emplace_back([&] { server->stop(settings.drain_timeout); });
    }
  }
  servers.clear();
  if (s3_logs) s3_logs->stop();
  if (inventories) inventories->stop();
  if (scans) scans->stop();
  if (engine) engine->stop();
  if (janitor) janitor->stop();
  if (native_changes) native_changes->stop();
  if (stores) stores->stop();
  if (events) events->stop();
  native_changes.reset();
  stores.reset();
  events.reset();
  janitor.reset();
  Result<void> result;
  if (log) {
    runtime->run([&] {
      result = log->flush(io::Context{});
      if (result && parts) result = core::end_boot(io::Context{}, *store);
    });
  }
  return result;
}

Server::Server(std::unique_ptr<Rooms> rooms) : rooms_{std::move(rooms)} {}

Server::~Server() {
  if (!rooms_) return;
  rooms_->servers.clear();
  if (rooms_->s3_logs) rooms_->s3_logs->stop();
  if (rooms_->inventories) rooms_->inventories->stop();
  if (rooms_->scans) rooms_->scans->stop();
  if (rooms_->engine) rooms_->engine->stop();
  if (rooms_->janitor) rooms_->janitor->stop();
  if (rooms_->native_changes) rooms_->native_changes->stop();
  if (rooms_->stores) rooms_->stores->stop();
  if (rooms_->events) rooms_->events->stop();
}

Result<std::unique_ptr<Server>> Server::start(const Settings& settings,
                                              const RootCredentials& root) {
  auto server = std::make_unique<Server>(std::make_unique<Rooms>(settings));
  Rooms& rooms = *server->rooms_;
  BR_TRY(data, DataDirectory::take(settings.data));
  rooms.data.emplace(std::move(data));
  BR_TRY(check_doors(settings));
  io::RuntimeOptions options;
  options.loops = static_cast<int>(settings.loops);
  options.blocking_threads = static_cast<int>(settings.blocking_threads);
  rooms.runtime = io::Runtime::make(options);
  BR_TRY(store, kv::open_rocksdb({rooms.data->catalog(), settings.block_cache, settings.memtable}));
  rooms.store = std::move(store);
  Result<void> opened;
  rooms.runtime->run([&] { opened = rooms.open(root); });
  if (!opened) return std::unexpected(std::move(opened).error());
  BR_TRY(rooms.listen());
  return server;
}

Result<void> Server::stop() { return rooms_->close(); }

std::string Server::addresses() const { return rooms_->addresses; }

}  // namespace beringia::app
