#include "protocol/s3/access_logs.h"

#include <utility>
#include <vector>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "base/random.h"
#include "io/byte_source.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxBytes = 16 << 20;  // in memory, of all buckets
constexpr size_t kFullBytes = 1 << 20;  // of one bucket: delivered before its time
constexpr Duration kLook = std::chrono::seconds{1};
constexpr Duration kLastPatience = std::chrono::seconds{5};  // at the end

const observe::Counter kLines{
    "beringia_s3_access_log_bytes_total", "Bytes of buckets' access logs.", {"result"}};

/// What the policy of a target may ask about: Service Authorization Reference, aws:SourceArn.
class SourceFacts final : public access::Facts {
 public:
  SourceFacts(const std::string& bucket, const std::string& owner)
      : bucket_{bucket}, owner_{owner} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key == "aws:sourcearn") {
      values.push_back("arn:aws:s3:::" + bucket_);
    } else if (key == "aws:sourceaccount") {
      values.push_back(owner_);
    } else {
      return false;
    }
    return true;
  }

 private:
  const std::string& bucket_;
  const std::string& owner_;
};

core::Door door_of(const std::string& bucket) {
  return {"s3", "logging.deliver", {}, "bucket " + bucket};
}

}  // namespace

AccessLogs::AccessLogs(io::Runtime& runtime, core::Namespace& names, core::Gate& gate,
                       Options options)
    : runtime_{runtime},
      names_{names},
      gate_{gate},
      options_{std::move(options)},
      cancel_{std::make_shared<io::CancelToken>()} {
  runtime_.spawn([this, context = io::Context{}.with_cancel(cancel_)] { work(context); });
}

AccessLogs::~AccessLogs() { stop(); }

void AccessLogs::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(stopped_, true)) return;
  }
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void AccessLogs::work(const io::Context& context) {
  while (io::sleep_for(context, kLook)) {
    if (!deliver(context, false)) break;
  }
  const auto last = io::Context{}.with_deadline(runtime_.clock().monotonic() + kLastPatience);
  (void)deliver(last, true);
  ended_.set();
}

void AccessLogs::add(const LoggedBucket& bucket, Timestamp time, std::string line) {
  const std::lock_guard lock{mutex_};
  if (stopped_ || bytes_ + line.size() > kMaxBytes) {
    kLines.add(line.size(), {"dropped"});
    return;
  }
  bytes_ += line.size();
  auto [at, is_new] = batches_.try_emplace(bucket.name + '\n' + wire::encode(bucket.logging));
  Batch& batch = at->second;
  if (is_new) {
    batch.bucket = bucket;
    batch.first = time;
    batch.due = runtime_.clock().monotonic() + options_.interval;
  }
  batch.text += line;
}

Result<void> AccessLogs::deliver(const io::Context& context, bool all) {
  const MonotonicTime now = runtime_.clock().monotonic();
  std::vector<Batch> due;
  {
    const std::lock_guard lock{mutex_};
    for (auto at = batches_.begin(); at != batches_.end();) {
      Batch& batch = at->second;
      if (all || batch.due <= now || batch.text.size() >= kFullBytes) {
        bytes_ -= batch.text.size();
        due.push_back(std::move(batch));
        at = batches_.erase(at);
      } else {
        ++at;
      }
    }
  }
  for (Batch& batch : due) {
    auto written = write(context, batch);
    if (written) {
      kLines.add(batch.text.size(), {"delivered"});
      continue;
    }
    const Code code = written.error().code();
    if (code == Code::kDenied || code == Code::kNotFound || code == Code::kInvalid) {
      kLines.add(batch.text.size(), {"refused"});
      observe::log_warn("access_log_refused", "The access log of a bucket could not be delivered.",
                        {observe::field("bucket", batch.bucket.name),
                         observe::field("target", batch.bucket.logging.target_bucket),
                         observe::field("why", written.error().to_string())});
      continue;
    }
    put_back(std::move(batch));
  }
  return context.check(runtime_.clock().monotonic());
}

/// A store is away: the lines wait with those that came meanwhile.
void AccessLogs::put_back(Batch batch) {
  const std::lock_guard lock{mutex_};
  if (stopped_ || bytes_ + batch.text.size() > kMaxBytes) {
    kLines.add(batch.text.size(), {"dropped"});
    return;
  }
  bytes_ += batch.text.size();
  batch.due = runtime_.clock().monotonic() + options_.interval;
  std::string key = batch.bucket.name + '\n' + wire::encode(batch.bucket.logging);
  auto [at, is_new] = batches_.try_emplace(std::move(key));
  if (!is_new) batch.text += at->second.text;
  at->second = std::move(batch);
}

Result<void> AccessLogs::write(const io::Context& context, const Batch& batch) {
  const LoggedBucket& bucket = batch.bucket;
  BR_TRY(directory, names_.bucket_path(bucket.logging.target_bucket));
  const std::string name =
      wire::log_object_name(bucket.logging, bucket.owner, options_.region, bucket.name, batch.first,
                            runtime_.clock().wall(), random_hex(runtime_.rng(), 8));
  BR_TRY(path, directory.join(name));
  BR_TRY(target, gate_.look(path));
  if (!target) return std::unexpected(not_found("the target bucket is gone"));
  const SourceFacts facts{bucket.name, bucket.owner};
  BR_TRY(grant, gate_.admit(context, identity::Principal::service(access::kLogDelivery),
                            {core::Action::kWrite, access::Right::kWriteObject, &facts}, path,
                            door_of(bucket.name)));
  core::WriteRequest request;
  io::StringSource body{batch.text};
  request.body = &body;
  request.expected.size = batch.text.size();
  request.attributes.content_type = "text/plain";
  // Where lists hold it belongs to the bucket's owner, who could not read it else.
  if (target->access->has_acls()) {
    request.attributes.acl = access::encode(access::private_acl(target->owner));
  }
  auto written = names_.write(context, grant, request);
  if (written) return {};
  grant.note_error(written.error());
  return std::unexpected(std::move(written).error());
}

bool AccessLogs::may_deliver(const core::Gate& gate, const std::string& bucket,
                             const std::string& owner, const Path& object) {
  const SourceFacts facts{bucket, owner};
  return gate.may(identity::Principal::service(access::kLogDelivery),
                  {core::Action::kWrite, access::Right::kWriteObject, &facts}, object,
                  door_of(bucket));
}

}  // namespace beringia::protocol::s3
