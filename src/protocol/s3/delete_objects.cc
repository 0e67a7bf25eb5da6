#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "io/sync.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/error_map.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

/// Deletes under way at once, so that their commits and directory syncs are shared: 1,000 keys in
/// four rounds. Each is a fiber with a small stack.
constexpr size_t kWorkers = 250;

/// One key: its own decision, its own audit record.
Result<core::Removed> delete_key(const Call& call, const io::Context& context,
                                 const wire::s3::DeleteRequest::Key& key) {
  BR_TRY(generation, parse_version_id(key.version_id));
  BR_TRY(path, call.object_path(call.route.bucket, key.key));
  const auto right = generation ? access::Right::kDeleteVersion : access::Right::kDeleteObject;
  BR_TRY(grant, call.admit_one(context, core::Action::kDelete, path, right, generation));
  auto removed =
      remove_object(call, context, grant, {key.etag, key.modified, key.size, generation});
  grant.note_status(removed ? 204 : wire_error_of(removed.error()).status);
  if (!removed) grant.note_error(removed.error());
  return removed;
}

std::vector<Result<core::Removed>> delete_keys(
    const Call& call, const std::vector<wire::s3::DeleteRequest::Key>& keys) {
  std::vector<Result<core::Removed>> results(keys.size());
  if (keys.size() == 1) {
    results[0] = delete_key(call, call.context, keys[0]);
    return results;
  }
  std::atomic<size_t> next{0};
  io::Scope scope{call.context};
  for (size_t worker = 0; worker < std::min(kWorkers, keys.size()); ++worker) {
    scope.spawn([&]() -> Result<void> {
      for (size_t i = next++; i < keys.size(); i = next++) {
        results[i] = delete_key(call, scope.context(), keys[i]);
      }
      return {};
    });
  }
  if (auto joined = scope.join(); !joined) {
    for (auto& result : results) result = std::unexpected(joined.error());
  }
  return results;
}

}  // namespace

Result<io::HttpResponse> delete_objects(Call& call) {
  // S3 asks for a digest; a signed payload hash is one too.
  const bool is_signed = call.claim.payload == wire::PayloadMode::kSignedHash;
  BR_TRY(document,
         read_document(call, wire::s3::kMaxXmlBytes,
                       is_signed ? DocumentDigest::kOptional : DocumentDigest::kRequired));
  BR_TRY(request, wire::s3::parse_delete(document));
  call.is_recorded = true;  // key by key
  const auto results = delete_keys(call, request.keys);
  std::vector<wire::s3::DeleteOutcome> outcomes;
  outcomes.reserve(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    wire::s3::DeleteOutcome outcome;
    outcome.key = request.keys[i].key;
    outcome.version_id = request.keys[i].version_id;
    if (results[i] && results[i]->marker) {
      outcome.marker_version_id = version_id_of(results[i]->marker->record);
    }
    if (!results[i]) {
      const Error& error = results[i].error();
      // Then no key can have been deleted.
      if (error.tag() == "no_bucket") return std::unexpected(error);
      const WireError wire = wire_error_of(error);
      outcome.code = wire.code;
      outcome.message = message_of(error, wire);
    }
    outcomes.push_back(std::move(outcome));
  }
  return xml_response(200, wire::s3::render_delete_result(outcomes, request.quiet));
}

}  // namespace beringia::protocol::s3
