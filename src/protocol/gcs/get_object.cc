#include "base/encoding.h"
#include "core/encryption.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_contexts.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

Result<void> check_json_etags(const Call& call, const meta::EntryRecord& record) {
  const std::string etag = json_etag(record.generation, record.metageneration);
  const std::string quoted = "\"" + etag + "\"";
  auto names_it = [&](std::string_view header) {
    return header == "*" || header == etag || header == quoted;
  };
  const std::string_view match = call.header("If-Match");
  if (!match.empty() && !names_it(match)) {
    return std::unexpected(conflict("the ETag is another one").with_tag("precondition"));
  }
  const std::string_view none_match = call.header("If-None-Match");
  if (!none_match.empty() && names_it(none_match)) {
    return std::unexpected(conflict("the ETag is this one").with_tag("not_modified"));
  }
  return {};
}

Result<io::HttpResponse> get_object(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(soft_deleted, call.query.flag("softDeleted", false));
  if (soft_deleted) return get_soft_deleted(call);
  BR_TRY(grant, call.admit(core::Action::kRead, path, generation));
  BR_TRY(entry, call.rooms.names.stat(call.context, *grant, generation));
  BR_TRY(core::check_conditions(conditions, entry.record, true));
  BR_TRY(check_json_etags(call, entry.record));
  BR_TRY(customer_key, customer_key_of(call));
  if (customer_key) BR_TRY(core::check_customer_key(entry.record.encryption, customer_key));
  return object_response(call, call.route.bucket, call.route.object, entry);
}

/// JSON API reference, Objects: viewFullContext. Contexts here have no extended data.
Result<io::HttpResponse> full_context(Call& call) {
  const std::string& key = call.query.get("contextKey");
  if (key.empty()) {
    return std::unexpected(invalid("Required parameter: contextKey").with_tag("required"));
  }
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(grant, call.admit(core::Action::kRead, path, generation));
  BR_TRY(entry, call.rooms.names.stat(call.context, *grant, generation));
  BR_TRY(context, full_context_of(entry.record, key));
  return json_response(200, std::move(context));
}

}  // namespace beringia::protocol::gcs
