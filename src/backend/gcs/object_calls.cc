#include "backend/gcs/object_calls.h"

namespace beringia::backend::gcs {

namespace {

using wire::gcs::ObjectResource;

constexpr size_t kUploadIdBytes = 12;
/// Bound of the rewrite loop; each call moves at least 1 MiB, in practice gigabytes.
constexpr int kMaxRewriteCalls = 65536;

Query match(std::string_view parameter, uint64_t generation) {
  return {{std::string{parameter}, std::to_string(generation)}};
}

ApiRequest json_request(std::string method, std::string target, std::string body,
                        std::string what) {
  ApiRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!body.empty()) request.headers.set("Content-Type", "application/json; charset=UTF-8");
  request.body = std::move(body);
  request.what = std::move(what);
  return request;
}

}  // namespace

Error bucket_error_of(const ApiAnswer& answer, const std::string& what) {
  auto body = wire::gcs::parse_error(answer.body, answer.status);
  if (answer.status == 404 && !says_bucket_is_missing(body)) {
    body.message += body.message.empty() ? "" : " ";
    body.message += "(the bucket does not exist)";
  }
  return error_of(answer.status, body, what);
}

std::string ObjectCalls::new_upload_id() const { return random_hex(api_.rng(), kUploadIdBytes); }

Result<ObjectResource> ObjectCalls::get(const io::Context& context, const std::string& name) const {
  auto what = "look at " + at_.display(name);
  BR_TRY(answer, api_.call(context, json_request("GET", at_.object_target(name), {}, what)));
  if (!answer.ok()) return std::unexpected(error_of(answer, what));
  auto object = wire::gcs::parse_object(answer.body);
  if (!object) {
    return std::unexpected(unavailable("cannot " + what, object.error().to_string()));
  }
  return object;
}

Result<uint64_t> ObjectCalls::generation_to_match(const io::Context& context,
                                                  const std::string& name,
                                                  const Expectation& expectation) const {
  switch (expectation.kind) {
    case Expectation::Kind::kAbsent: return kAbsentGeneration;
    case Expectation::Kind::kVersion: return generation_of(expectation.version);
    case Expectation::Kind::kAny: break;
  }
  auto object = get(context, name);
  if (object) return object->generation;
  if (object.error().code() == Code::kNotFound) return kAbsentGeneration;
  return std::unexpected(object.error());
}

Result<void> ObjectCalls::remove(const io::Context& context, const std::string& name,
                                 uint64_t generation) const {
  auto what = "delete " + at_.display(name);
  auto target = at_.object_target(name, match("ifGenerationMatch", generation));
  BR_TRY(answer, api_.call(context, json_request("DELETE", std::move(target), {}, what)));
  // Nothing is there and an attempt of ours may have done it: it counts as ours. A 412 does not:
  // whoever wrote it, another generation is there now.
  if (answer.ok() || (answer.status == 404 && answer.maybe_applied_before)) return {};
  return std::unexpected(error_of(answer, what));
}

Result<ObjectResource> ObjectCalls::result_of(const io::Context& context, const ApiAnswer& answer,
                                              const std::string& name) const {
  auto object = wire::gcs::parse_object(answer.body);
  if (object && object->generation != 0) return object;
  return get(context, name);
}

Result<ObjectResource> ObjectCalls::confirm(const io::Context& context, const std::string& name,
                                            const std::string& upload_id, const ApiAnswer& refusal,
                                            const std::string& what) const {
  auto error = error_of(refusal, what);
  if (!refusal.maybe_applied_before) return std::unexpected(std::move(error));
  auto object = get(context, name);
  if (object && upload_id_of(*object) == upload_id) return object;
  if (!object && object.error().code() != Code::kNotFound) {
    return std::unexpected(Error{object.error().code(), Retry::kMaybeApplied, "cannot " + what,
                                 object.error().to_string()});
  }
  return std::unexpected(std::move(error));
}

Result<ObjectResource> ObjectCalls::rewrite(const io::Context& context,
                                            const RewriteCall& call) const {
  auto what = "copy " + at_.display(call.from) + " to " + at_.display(call.to);
  auto body = wire::gcs::render(call.fields);
  std::string token;
  for (int round = 0; round < kMaxRewriteCalls; ++round) {
    Query query{{"ifGenerationMatch", std::to_string(call.if_generation)},
                {"ifSourceGenerationMatch", std::to_string(call.from_generation)}};
    if (!token.empty()) query.emplace_back("rewriteToken", token);
    auto target = at_.rewrite_target(call.from, call.to, query);
    BR_TRY(answer, api_.call(context, json_request("POST", std::move(target), body, what)));
    if (!answer.ok()) {
      if (answer.status == 412) return confirm(context, call.to, call.upload_id, answer, what);
      return std::unexpected(error_of(answer, what));
    }
    auto progress = wire::gcs::parse_rewrite(answer.body);
    if (!progress) {
      return std::unexpected(Error{Code::kUnavailable, Retry::kMaybeApplied, "cannot " + what,
                                   progress.error().to_string()});
    }
    if (progress->done) {
      if (progress->resource && progress->resource->generation != 0) return *progress->resource;
      return get(context, call.to);
    }
    token = progress->rewrite_token;
    if (token.empty()) break;
  }
  return std::unexpected(unavailable("cannot " + what, "the service does not bring it to an end"));
}

Result<ObjectResource> ObjectCalls::compose(const io::Context& context,
                                            const ComposeCall& call) const {
  auto what = "compose " + at_.display(call.to);
  wire::gcs::ComposeBody body;
  body.destination = call.fields;
  for (const auto& [name, generation] : call.sources) {
    body.sources.push_back({at_.full_name(name), generation, generation});
  }
  auto target = at_.compose_target(call.to, match("ifGenerationMatch", call.if_generation));
  BR_TRY(answer, api_.call(context,
                           json_request("POST", std::move(target), wire::gcs::render(body), what)));
  if (answer.status == 412) return confirm(context, call.to, call.upload_id, answer, what);
  if (!answer.ok()) return std::unexpected(error_of(answer, what));
  return result_of(context, answer, call.to);
}

Result<ObjectResource> ObjectCalls::patch(const io::Context& context, const std::string& name,
                                          const ObjectResource& current,
                                          const wire::gcs::ObjectChange& change) const {
  auto what = "change the attributes of " + at_.display(name);
  auto target =
      at_.object_target(name, {{"ifGenerationMatch", std::to_string(current.generation)},
                               {"ifMetagenerationMatch", std::to_string(current.metageneration)}});
  BR_TRY(answer, api_.call(context, json_request("PATCH", std::move(target),
                                                 wire::gcs::render(change), what)));
  if (answer.ok()) return result_of(context, answer, name);
  if (answer.status == 412 && answer.maybe_applied_before) {
    // Ours, if the object is what the patch would have made of it.
    auto object = get(context, name);
    if (object && object->generation == current.generation) {
      bool same = true;
      for (const auto& [key, value] : change.metadata) {
        auto found = object->metadata.find(key);
        same = same && (value ? found != object->metadata.end() && found->second == *value
                              : found == object->metadata.end());
      }
      if (same) return object;
    }
  }
  return std::unexpected(error_of(answer, what));
}

Result<wire::gcs::ObjectList> ObjectCalls::list(const io::Context& context,
                                                const Query& query) const {
  auto what = "list gs://" + at_.bucket() + "/" + at_.prefix();
  auto request = json_request("GET", at_.list_target(query), {}, what);
  request.cost = CallClass::kA;
  BR_TRY(answer, api_.call(context, request));
  if (!answer.ok()) return std::unexpected(bucket_error_of(answer, what));
  auto page = wire::gcs::parse_object_list(answer.body);
  if (!page) return std::unexpected(unavailable("cannot " + what, page.error().to_string()));
  return page;
}

}  // namespace beringia::backend::gcs
