#include "policy/scan_keeper.h"

#include <utility>

#include "base/json_writer.h"
#include "core/parts.h"
#include "core/scan.h"
#include "meta/keys.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "policy/background.h"
#include "wire/document.h"

namespace beringia::policy {
namespace {

const observe::Gauge kEnded{"beringia_policy_scan_ended_timestamp_seconds",
                            "When the last scan for foreign changes of all shared mounts ended."};

uint64_t number_in(const wire::Value& value, std::string_view name) {
  const auto* found = value.find(name);
  const bool is_number = found != nullptr && found->is(wire::Value::Kind::kInteger);
  return is_number && found->integer > 0 ? static_cast<uint64_t>(found->integer) : 0;
}

Timestamp time_in(const wire::Value& value, std::string_view name) {
  return Timestamp{static_cast<int64_t>(number_in(value, name))};
}

void report(const ScanPass& pass) {
  if (pass.added + pass.changed + pass.gone == 0) return;
  const std::chrono::duration<double> unnoticed = pass.longest_unnoticed;
  observe::log_info("foreign_changes_found",
                    "A scan has found what others changed and nobody had told of.",
                    {observe::field("mount", pass.mount), observe::field("added", pass.added),
                     observe::field("changed", pass.changed), observe::field("gone", pass.gone),
                     observe::field("longest_unnoticed_s", unnoticed.count())});
}

}  // namespace

std::string to_json(const ScanPass& pass) {
  const auto micros = [](Timestamp time) { return static_cast<uint64_t>(time.micros); };
  const auto longest =
      std::chrono::duration_cast<std::chrono::microseconds>(pass.longest_unnoticed).count();
  JsonWriter json;
  json.begin_object().member("started", micros(pass.started)).member("ended", micros(pass.ended));
  json.member("after", pass.after).member("directories", pass.directories);
  json.member("added", pass.added).member("changed", pass.changed).member("gone", pass.gone);
  json.member("longest_unnoticed_us", static_cast<uint64_t>(longest)).end_object();
  return json.take();
}

Result<ScanPass> parse_scan_pass(const std::string& mount, std::string_view json) {
  BR_TRY(root, wire::parse_json(json, 64 << 10, "the state of a scan"));
  ScanPass pass;
  pass.mount = mount;
  pass.started = time_in(root, "started");
  pass.ended = time_in(root, "ended");
  const auto* after = root.find("after");
  if (after != nullptr) pass.after = after->text;
  pass.directories = number_in(root, "directories");
  pass.added = number_in(root, "added");
  pass.changed = number_in(root, "changed");
  pass.gone = number_in(root, "gone");
  pass.longest_unnoticed =
      std::chrono::microseconds{static_cast<int64_t>(number_in(root, "longest_unnoticed_us"))};
  return pass;
}

ScanKeeper::ScanKeeper(Services services, Options options)
    : services_{std::move(services)}, options_{options} {}

ScanKeeper::~ScanKeeper() { stop(); }

void ScanKeeper::start() {
  if (options_.interval.count() <= 0 || cancel_) return;
  cancel_ = std::make_shared<io::CancelToken>();
  services_.runtime.spawn([this, context = background(cancel_, "scan")] {
    work(context);
    ended_.set();
  });
}

void ScanKeeper::stop() {
  if (!cancel_) return;
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

std::vector<Path> ScanKeeper::shared_mounts() const {
  std::vector<Path> paths;
  const auto mounts = services_.parts.mounts.get();
  for (const auto& mount : mounts->all()) {
    if (!mount.declaration.freshness.exclusive) paths.push_back(mount.declaration.path);
  }
  return paths;
}

void ScanKeeper::work(const io::Context& context) {
  Duration wait = std::min(options_.first, options_.interval);
  while (io::sleep_for(context, wait)) {
    wait = options_.interval;
    for (const auto& mount : shared_mounts()) {
      auto done = scan_mount(context, mount);
      if (done) continue;
      if (!context.check(services_.parts.clock.monotonic())) return;
      wait = std::min(options_.after_failure, options_.interval);
      observe::log_warn(
          "scan_unfinished", "A scan for foreign changes was not done to its end.",
          {observe::field("mount", mount.text()), observe::field("why", done.error().to_string())});
    }
    if (wait == options_.interval) {
      kEnded.set(services_.parts.clock.wall().micros / 1'000'000);
    }
  }
}

Result<void> ScanKeeper::scan_mount(const io::Context& context, const Path& mount) {
  const auto now = [&] { return services_.parts.clock.wall(); };
  ScanPass pass;
  BR_TRY(before, load(context, mount.text()));
  if (before && before->ended.micros == 0) {
    pass = *before;  // of this process or the one before it: it goes on
  } else {
    pass.mount = mount.text();
    pass.started = now();
  }
  BR_TRY(grant, services_.gate.admit(context, identity::Principal::internal(kScanPrincipal),
                                     core::Action::kAdminister, mount,
                                     {"policy", "scan.pass", {}, context.trace_id()}));
  do {
    BR_TRY(wait_for_calls(context, services_.parts.mounts, mount));
    core::ScanRequest request;
    request.after = pass.after;
    request.max_directories = options_.directories_at_once;
    auto part = services_.names.scan(context, grant, request);
    if (!part) {
      grant.note_error(part.error());
      return std::unexpected(std::move(part).error());
    }
    pass.after = part->next;
    pass.directories += part->directories;
    pass.added += part->found.added;
    pass.changed += part->found.changed;
    pass.gone += part->found.gone;
    pass.longest_unnoticed = std::max(pass.longest_unnoticed, part->found.longest_unnoticed);
    if (pass.after.empty()) pass.ended = now();
    BR_TRY(save(context, pass));
  } while (!pass.after.empty());
  report(pass);
  return {};
}

Result<std::optional<ScanPass>> ScanKeeper::load(const io::Context& context,
                                                 const std::string& mount) {
  BR_TRY(row, services_.parts.store.get(context, meta::scan_key(mount)));
  if (!row) return std::nullopt;
  BR_TRY(pass, parse_scan_pass(mount, *row));
  return pass;
}

Result<void> ScanKeeper::save(const io::Context& context, const ScanPass& pass) {
  kv::Batch batch;
  batch.put(meta::scan_key(pass.mount), to_json(pass));
  // Synced, and with it what the scan has taken over.
  BR_TRY(services_.parts.store.commit(context, std::move(batch), kv::Durability::kSync));
  return {};
}

Result<std::vector<ScanPass>> ScanKeeper::passes(const io::Context& context) {
  std::vector<ScanPass> found;
  for (const auto& mount : shared_mounts()) {
    BR_TRY(pass, load(context, mount.text()));
    if (pass) found.push_back(std::move(*pass));
  }
  return found;
}

}  // namespace beringia::policy
