// JSON API reference, Objects: bulkRestore. What was deleted softly, by pattern and time.
#include <algorithm>
#include <utility>

#include "access/bucket_access.h"
#include "protocol/gcs/done_operation.h"
#include "protocol/gcs/glob.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxGlobs = 64;
constexpr size_t kPage = 1000;

/// A time that is asked for; absent: any.
using Limit = std::optional<Timestamp>;

struct Wish {
  std::vector<Glob> globs;  // none: every name
  Limit deleted_after, deleted_before, created_after, created_before;
  bool overwrites = false;
  bool keeps_acl = false;

  bool takes(const core::VersionPage::Item& item) const {
    const auto within = [](Timestamp time, const Limit& after, const Limit& before) {
      return (!after || time.micros > after->micros) && (!before || time.micros < before->micros);
    };
    if (item.version.delete_marker) return false;
    if (!within(item.version.became_noncurrent, deleted_after, deleted_before)) return false;
    if (!within(item.version.record.created, created_after, created_before)) return false;
    return globs.empty() ||
           std::ranges::any_of(globs, [&](const Glob& glob) { return glob.matches(item.name); });
  }
};

Error bad(std::string_view name) { return invalid("Invalid value for " + std::string{name}); }

Result<std::vector<Glob>> globs_of(const wire::Value& value) {
  if (!value.is(wire::Value::Kind::kArray) || value.items.size() > kMaxGlobs) {
    return std::unexpected(bad("matchGlobs"));
  }
  std::vector<Glob> globs;
  for (const wire::Value& one : value.items) {
    if (!one.is(wire::Value::Kind::kText) || one.text.empty()) {
      return std::unexpected(bad("matchGlobs"));
    }
    BR_TRY(glob, Glob::parse(one.text));
    globs.push_back(std::move(glob));
  }
  return globs;
}

Result<Wish> parse_wish(const std::string& body) {
  BR_TRY(document, wire::parse_json(body.empty() ? "{}" : body, wire::gcs::kMaxResourceBytes,
                                    "a bulk restore"));
  Wish wish;
  const std::pair<std::string_view, Limit*> times[] = {
      {"softDeletedAfterTime", &wish.deleted_after},
      {"softDeletedBeforeTime", &wish.deleted_before},
      {"createdAfterTime", &wish.created_after},
      {"createdBeforeTime", &wish.created_before}};
  const std::pair<std::string_view, bool*> flags[] = {{"allowOverwrite", &wish.overwrites},
                                                      {"copySourceAcl", &wish.keeps_acl}};
  for (const auto& [name, value] : document.members) {
    if (name == "kind") continue;
    if (name == "matchGlobs") {
      BR_TRY(globs, globs_of(value));
      wish.globs = std::move(globs);
      continue;
    }
    const auto time = std::ranges::find(times, name, [](const auto& one) { return one.first; });
    const auto flag = std::ranges::find(flags, name, [](const auto& one) { return one.first; });
    if (time != std::end(times)) {
      const Timestamp parsed = parse_rfc3339(value.text);
      if (parsed.micros == 0) return std::unexpected(bad(name));
      *time->second = parsed;
    } else if (flag != std::end(flags)) {
      if (!value.is(wire::Value::Kind::kBoolean)) return std::unexpected(bad(name));
      *flag->second = value.boolean;
    } else {
      return std::unexpected(unsupported(name + " of a bulk restore is not offered"));
    }
  }
  return wish;
}

/// Restores name by name, the newest generation of each that is wished for.
class BulkRestore {
 public:
  BulkRestore(Call& call, const Wish& wish, const core::Grant& listing)
      : call_{call}, wish_{wish}, listing_{listing}, budget_{call.rooms.clock} {}

  Result<void> run() {
    core::ListVersionsRequest request;
    request.soft_deleted = true;
    request.limit = kPage;
    for (;;) {
      BR_TRY(page, call_.rooms.names.list_versions(call_.context, listing_, request));
      for (const auto& item : page.items) {
        if (item.name == last_ || !wish_.takes(item)) continue;
        if (!budget_.take()) {
          error_ = busy("the time of one call is over", tell(), "send it again to go on");
          return {};
        }
        last_ = item.name;
        restore(item);
      }
      if (!page.truncated) return {};
      request.start_after = page.last;
      request.after_generation = page.last_generation;
    }
  }

  void write(JsonWriter& json) const {
    json.member("succeededCount", std::to_string(restored_));
    json.member("skippedCount", std::to_string(skipped_));
    json.member("failedCount", std::to_string(failed_));
  }
  std::optional<Error> error() const { return error_; }

 private:
  std::string tell() const { return std::to_string(restored_) + " objects are restored"; }

  void restore(const core::VersionPage::Item& item) {
    auto done = restore_one(item);
    if (done) {
      ++restored_;
    } else if (done.error().tag() == "precondition") {
      ++skipped_;  // there is a live one
    } else {
      ++failed_;
      if (!error_) error_ = Error{done.error()}.during("restoring " + item.name);
    }
  }

  Result<void> restore_one(const core::VersionPage::Item& item) {
    BR_TRY(path, call_.object_path(call_.route.bucket, item.name));
    core::CopyRequest request;
    request.source_generation = item.version.record.generation;
    request.source_soft_deleted = true;
    request.keeps_acl = wish_.keeps_acl;
    if (!wish_.overwrites) request.conditions.generation_match = 0;
    BR_TRY(to, call_.admit(core::Action::kWrite, path));
    BR_TRY(from, call_.admit({core::Action::kRead, access::Right::kRestoreObject}, path));
    if (wish_.keeps_acl) {
      BR_TRY(lists, call_.admit({core::Action::kAdminister, access::Right::kWriteObjectAcl}, path));
      (void)lists;
    }
    BR_TRY(call_.rooms.names.copy(call_.context, *from, *to, request));
    return {};
  }

  Call& call_;
  const Wish& wish_;
  const core::Grant& listing_;
  WorkBudget budget_;
  std::string last_;
  size_t restored_ = 0;
  size_t skipped_ = 0;
  size_t failed_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<io::HttpResponse> bulk_restore(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(wish, parse_wish(body));
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  const Timestamp began = call.rooms.clock.wall();
  BulkRestore work{call, wish, *grant};
  BR_TRY(work.run());
  return finish_operation(call, *grant,
                          {began, "bulk-restore-objects",
                           [&](JsonWriter& json) { work.write(json); }, "{}", work.error()});
}

}  // namespace beringia::protocol::gcs
