#include "policy/inventory.h"

#include <algorithm>
#include <utility>

#include "access/acl.h"
#include "access/bucket_access.h"
#include "access/facts.h"
#include "base/checksum.h"
#include "base/encoding.h"
#include "core/parts.h"
#include "io/runtime.h"
#include "meta/keys.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "policy/background.h"
#include "policy/inventory_source.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 1000;
constexpr size_t kMaxFailures = 4096;  // that are remembered
constexpr int64_t kDayMicros = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kDaysToSunday = 4;  // 1970-01-01 was a Thursday

const observe::Counter kReports{
    "beringia_policy_inventory_reports_total", "Inventories of buckets.", {"result"}};

core::Door door_of(const char* operation, const std::string& bucket, const io::Context& context) {
  return {"policy", operation, {}, "bucket " + bucket + " " + context.trace_id()};
}

/// What the policy of a target may ask about: S3 user guide, "Granting permissions for S3
/// Inventory".
class DeliveryFacts final : public access::Facts {
 public:
  DeliveryFacts(const std::string& bucket, const std::string& owner)
      : bucket_{bucket}, owner_{owner} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key == "aws:sourcearn") {
      values.push_back("arn:aws:s3:::" + bucket_);
    } else if (key == "aws:sourceaccount") {
      values.push_back(owner_);
    } else if (key == "s3:x-amz-acl") {
      values.emplace_back("bucket-owner-full-control");
    } else {
      return false;
    }
    return true;
  }

 private:
  const std::string& bucket_;
  const std::string& owner_;
};

/// One report on its way into the target bucket.
class Delivery {
 public:
  Delivery(const io::Context& context, const Services& services, const core::DirectoryInfo& bucket,
           const wire::InventoryConfiguration& configuration, Timestamp started)
      : context_{context},
        services_{services},
        configuration_{configuration},
        bucket_{bucket.path.bucket()},
        owner_{bucket.record.owner},
        started_{started} {
    base_ = configuration.target_prefix;
    if (!base_.empty() && !base_.ends_with('/')) base_ += '/';
    base_ += bucket_ + "/" + configuration.id + "/";
  }

  Result<InventoryReport> run(const core::Grant& listing) {
    InventoryReport report;
    report.bucket = bucket_;
    report.id = configuration_.id;
    report.started = started_;
    const bool is_parquet = configuration_.format == wire::InventoryConfiguration::Format::kParquet;
    const std::string data = base_ + "data/" + random_hex(services_.runtime.rng(), 16) +
                             (is_parquet ? ".parquet" : ".csv.gz");
    BR_TRY(encoder, wire::make_inventory_encoder(configuration_));
    InventorySource source{services_.names, listing, configuration_, bucket_, *encoder};
    BR_TRY(written, write(data, source, "application/octet-stream"));
    report.rows = source.rows();
    report.bytes = written.record.size;
    const std::string md5 = written.record.md5 ? to_hex(*written.record.md5) : std::string{};
    const std::string time = to_iso8601(started_);  // 2026-11-26T22:30:00.000Z
    const std::string minute = time.substr(11, 2) + "-" + time.substr(14, 2);
    const std::string day = time.substr(0, 10);
    BR_TRY(write_text(base_ + "hive/dt=" + day + "-" + minute + "/symlink.txt",
                      "s3://" + configuration_.target_bucket + "/" + data + "\n"));
    const std::string folder = base_ + day + "T" + minute + "Z/";
    const std::string manifest = wire::render_manifest(
        configuration_, bucket_, started_, encoder->schema(), {{data, report.bytes, md5}});
    BR_TRY(write_text(folder + "manifest.json", manifest));
    // Last, so that whoever waits for it finds all of the report.
    Digest digest{Digest::Kind::kMd5};
    digest.update(manifest);
    BR_TRY(write_text(folder + "manifest.checksum", to_hex(digest.finish())));
    report.manifest = "/" + configuration_.target_bucket + "/" + folder + "manifest.json";
    report.ended = services_.parts.clock.wall();
    return report;
  }

 private:
  Result<core::Entry> write(const std::string& key, io::ByteSource& body, const char* type) {
    BR_TRY(directory, services_.names.bucket_path(configuration_.target_bucket));
    BR_TRY(path, directory.join(key));
    BR_TRY(target, services_.gate.look(path));
    if (!target) return std::unexpected(not_found("the target bucket of an inventory is gone"));
    const DeliveryFacts facts{bucket_, owner_};
    BR_TRY(grant,
           services_.gate.admit(context_, identity::Principal::service(access::kInventoryDelivery),
                                {core::Action::kWrite, access::Right::kWriteObject, &facts}, path,
                                door_of("inventory.deliver", bucket_, context_)));
    core::WriteRequest request;
    request.body = &body;
    request.attributes.content_type = type;
    if (configuration_.encrypted) {
      using Method = meta::Encryption::Method;
      auto& encryption = request.attributes.encryption;
      encryption.method = configuration_.key_id.empty() ? Method::kServer : Method::kNamed;
      encryption.key_id = configuration_.key_id;
    }
    if (target->access->has_acls()) {
      request.attributes.acl = access::encode(access::private_acl(target->owner));
    }
    auto written = services_.names.write(context_, grant, request);
    if (!written) grant.note_error(written.error());
    return written;
  }
  Result<void> write_text(const std::string& key, std::string text) {
    io::StringSource body{std::move(text)};
    BR_TRY(write(key, body, "text/plain"));
    return {};
  }

  const io::Context& context_;
  const Services& services_;
  const wire::InventoryConfiguration& configuration_;
  const std::string bucket_;
  const std::string owner_;
  const Timestamp started_;
  std::string base_;
};

std::string state_key(const std::string& bucket, const std::string& id) {
  return meta::system_key("inventory/" + bucket + "/" + id);
}

Result<std::vector<wire::InventoryConfiguration>> inventories_of(
    const core::DirectoryInfo& bucket) {
  const auto found = bucket.record.attributes.find(std::string{wire::kInventoryAttribute});
  return wire::decode_inventories(found == bucket.record.attributes.end() ? std::string{}
                                                                          : found->second);
}

/// Number of the day, or of the week that begins on Sunday.
int64_t period_of(Timestamp time, bool weekly) {
  const int64_t day = time.micros / kDayMicros;
  return weekly ? (day + kDaysToSunday) / 7 : day;
}

}  // namespace

InventoryKeeper::InventoryKeeper(Services services, Options options)
    : services_{std::move(services)}, options_{options} {}

InventoryKeeper::~InventoryKeeper() { stop(); }

void InventoryKeeper::start() {
  if (cancel_) return;
  cancel_ = std::make_shared<io::CancelToken>();
  services_.runtime.spawn([this, context = background(cancel_, "inventory")] {
    work(context);
    ended_.set();
  });
}

void InventoryKeeper::stop() {
  if (!cancel_) return;
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void InventoryKeeper::work(const io::Context& context) {
  Duration wait = options_.first;
  while (io::sleep_for(context, wait)) {
    wait = options_.interval;
    auto done = pass(context);
    if (done || done.error().code() == Code::kCancelled) continue;
    observe::log_warn("inventory_look_failed", "A look for inventories that are due failed.",
                      {observe::field("why", done.error().to_string())});
  }
}

Result<void> InventoryKeeper::pass(const io::Context& context) {
  const auto self = identity::Principal::internal(kInventoryPrincipal);
  std::vector<core::DirectoryInfo> due;
  {
    BR_TRY(grant, services_.gate.admit_bucket_list(context, self,
                                                   door_of("inventory.buckets", "/", context)));
    std::string after;
    for (bool more = true; more;) {
      BR_TRY(buckets, services_.names.list_directories(context, grant, after, kPage));
      for (auto& bucket : buckets) {
        if (bucket.record.attributes.contains(std::string{wire::kInventoryAttribute})) {
          due.push_back(bucket);
        }
      }
      more = buckets.size() == kPage;
      if (!buckets.empty()) after = std::string{buckets.back().path.bucket()};
    }
  }
  for (const auto& bucket : due) BR_TRY(keep_bucket(context, bucket));
  return {};
}

Result<void> InventoryKeeper::keep_bucket(const io::Context& context,
                                          const core::DirectoryInfo& bucket) {
  const std::string name{bucket.path.bucket()};
  auto all = inventories_of(bucket);
  if (!all) {
    observe::log_warn("inventory_damaged", "The inventories of a bucket cannot be read.",
                      {observe::field("bucket", name)});
    return {};
  }
  for (const auto& one : *all) {
    BR_TRY(due, is_due(context, name, one));
    if (!due) continue;
    BR_TRY(wait_for_calls(context, services_.parts.mounts, bucket.path));
    auto report = write_report(context, bucket, one);
    BR_TRY(context.check(services_.parts.clock.monotonic()));
    if (report) continue;
    const std::lock_guard lock{mutex_};
    if (not_before_.size() >= kMaxFailures) not_before_.clear();
    not_before_[name + "/" + one.id] = services_.parts.clock.monotonic() + options_.after_failure;
    observe::log_warn("inventory_failed", "The inventory of a bucket could not be written.",
                      {observe::field("bucket", name), observe::field("inventory", one.id),
                       observe::field("why", report.error().to_string())});
  }
  return {};
}

Result<bool> InventoryKeeper::is_due(const io::Context& context, const std::string& bucket,
                                     const wire::InventoryConfiguration& configuration) {
  if (!configuration.enabled) return false;
  {
    const std::lock_guard lock{mutex_};
    const auto found = not_before_.find(bucket + "/" + configuration.id);
    if (found != not_before_.end() && services_.parts.clock.monotonic() < found->second) {
      return false;
    }
  }
  BR_TRY(row, services_.parts.store.get(context, state_key(bucket, configuration.id)));
  const auto last = row ? parse_u64(*row) : std::nullopt;
  if (!last) return true;
  const Timestamp before{static_cast<int64_t>(*last)};
  return period_of(before, configuration.weekly) !=
         period_of(services_.parts.clock.wall(), configuration.weekly);
}

Result<InventoryReport> InventoryKeeper::write_report(
    const io::Context& context, const core::DirectoryInfo& bucket,
    const wire::InventoryConfiguration& configuration) {
  const std::string name{bucket.path.bucket()};
  BR_TRY(listing, services_.gate.admit(context, identity::Principal::internal(kInventoryPrincipal),
                                       core::Action::kList, bucket.path,
                                       door_of("inventory.list", name, context)));
  Delivery delivery{context, services_, bucket, configuration, services_.parts.clock.wall()};
  auto report = delivery.run(listing);
  kReports.add(1, {report ? "written" : "failed"});
  if (!report) {
    listing.note_error(report.error());
    return report;
  }
  BR_TRY(remember(context, *report));
  observe::log_info("inventory_written", "The inventory of a bucket was written.",
                    {observe::field("bucket", name), observe::field("inventory", report->id),
                     observe::field("rows", report->rows), observe::field("bytes", report->bytes)});
  return report;
}

Result<void> InventoryKeeper::remember(const io::Context& context, const InventoryReport& report) {
  kv::Batch batch;
  batch.put(state_key(report.bucket, report.id), std::to_string(report.started.micros));
  BR_TRY(services_.parts.store.commit(context, std::move(batch), kv::Durability::kBuffered));
  return {};
}

Result<InventoryReport> InventoryKeeper::run(const io::Context& context,
                                             const identity::Principal& principal,
                                             const std::string& bucket, const std::string& id) {
  BR_TRY(path, Path::parse("/" + bucket + "/"));
  BR_TRY(grant, services_.gate.admit(context, principal, core::Action::kAdminister, path,
                                     door_of("inventory.run", bucket, context)));
  BR_TRY(info, services_.names.stat_directory(context, grant));
  BR_TRY(all, inventories_of(info));
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.id == id; });
  if (found == all.end()) {
    return std::unexpected(not_found("bucket " + bucket + " has no inventory \"" + id + "\"", {},
                                     "set one over S3: PutBucketInventoryConfiguration"));
  }
  return write_report(context, info, *found);
}

}  // namespace beringia::policy
