// The resources bucketAccessControls, defaultObjectAccessControls and objectAccessControls: a list,
// or the line of one entity in it.
#include <algorithm>
#include <functional>
#include <utility>

#include "access/bucket_access.h"
#include "base/json_writer.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_acl.h"
#include "protocol/gcs/xml_headers.h"
#include "protocol/gcs/xml_text.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

using access::Acl;
using access::Right;

/// One kind of list at one place: how it is read and put.
struct Place {
  AclOf what = AclOf::kBucket;
  Acl acl;
  std::string object;
  uint64_t generation = 0;
  std::function<Result<void>(const Acl&)> put;
};

Error no_such_line(const std::string& entity) {
  return not_found("The specified access control was not found.", entity).with_tag("no_line");
}

/// The list as a client would send it, without the line of `entity`.
Result<std::vector<wire::gcs::AccessControl>> controls_of(const Call& call, const Place& place) {
  const std::string json =
      R"({"acl":)" + render_acl(call, place.acl, place.what, place.object, place.generation) + "}";
  BR_TRY(controls, wire::gcs::parse_access_controls_of(json, "acl"));
  return std::move(*controls);
}

/// The rendered line of one entity. @error kNotFound
Result<std::string> line_of(const Call& call, const Place& place, const Acl& acl,
                            const std::string& entity) {
  const Acl::Grant* wanted = nullptr;
  for (const Acl::Grant& grant : acl.grants) {
    if (entity_of(call, grant) == entity) wanted = &grant;
  }
  if (wanted == nullptr) return std::unexpected(no_such_line(entity));
  Acl one;
  for (const Acl::Grant& grant : acl.grants) {
    if (grant.grantee == wanted->grantee && grant.name == wanted->name) one.grants.push_back(grant);
  }
  std::string line = render_acl(call, one, place.what, place.object, place.generation);
  return line.substr(1, line.size() - 2);
}

Result<io::HttpResponse> list_lines(const Call& call, const Place& place) {
  JsonWriter json;
  json.begin_object();
  json.member("kind", place.what == AclOf::kObject ? "storage#objectAccessControls"
                                                   : "storage#bucketAccessControls");
  json.key("items").raw(render_acl(call, place.acl, place.what, place.object, place.generation));
  return json_response(200, json.end_object().take());
}

/// Puts the line of the body in the place of what the entity had.
Result<io::HttpResponse> put_line(Call& call, const Place& place) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(line, wire::gcs::parse_access_control(body.empty() ? "{}" : body));
  if (!call.route.entity.empty()) line.entity = call.route.entity;
  if (line.entity.empty() || line.role.empty()) {
    return std::unexpected(invalid("Required: entity and role").with_tag("required"));
  }
  BR_TRY(named, acl_of(call, {line}, "", place.what));
  if (named.grants.empty()) return std::unexpected(invalid("The entity has nothing here"));
  line.entity = entity_of(call, named.grants.front());  // as it is shown
  BR_TRY(controls, controls_of(call, place));
  const bool was_there =
      std::ranges::any_of(controls, [&](const auto& one) { return one.entity == line.entity; });
  // Google's Go library sets a line by PUT, whether it is there or not.
  if (call.method == "PATCH" && !was_there) return std::unexpected(no_such_line(line.entity));
  std::erase_if(controls, [&](const auto& one) { return one.entity == line.entity; });
  controls.push_back(line);
  BR_TRY(acl, acl_of(call, controls, place.acl.owner, place.what));
  BR_TRY(place.put(acl));
  BR_TRY(shown, line_of(call, place, acl, line.entity));
  return json_response(200, shown);
}

Result<io::HttpResponse> remove_line(Call& call, const Place& place) {
  BR_TRY(line_of(call, place, place.acl, call.route.entity));
  BR_TRY(controls, controls_of(call, place));
  std::erase_if(controls, [&](const auto& one) { return one.entity == call.route.entity; });
  BR_TRY(acl, acl_of(call, controls, place.acl.owner, place.what));
  BR_TRY(place.put(acl));
  return empty_response(204);
}

/// The whole list, as the XML API reads and puts it.
Result<io::HttpResponse> answer_in_xml(Call& call, const Place& place) {
  if (call.method == "GET") {
    BR_TRY(controls, controls_of(call, place));
    const std::string owner = entity_of(call, {Acl::Grantee::kPrincipal, place.acl.owner, {}});
    return xml_response(200, xml_of_controls(owner, controls));
  }
  if (!call.header("x-goog-if-metageneration-match").empty()) {
    return std::unexpected(unsupported("x-goog-if-metageneration-match is not offered for lists",
                                       "", "use the JSON API"));
  }
  BR_TRY(xml, call.read_body(wire::gcs::kMaxResourceBytes));
  const std::string predefined = xml_predefined_acl(call);
  if (!predefined.empty()) {
    if (!xml.empty()) return std::unexpected(invalid("x-goog-acl and a list exclude each other"));
    BR_TRY(acl, predefined_acl(predefined, place.acl.owner, place.what));
    BR_TRY(place.put(acl));
    return empty_response(200);
  }
  BR_TRY(controls, controls_of_xml(xml));
  BR_TRY(acl, acl_of(call, controls, place.acl.owner, place.what));
  BR_TRY(place.put(acl));
  return empty_response(200);
}

Result<io::HttpResponse> answer(Call& call, const Place& place) {
  if (call.route.is_xml) return answer_in_xml(call, place);
  const bool is_line = !call.route.entity.empty();
  if (call.method == "GET" && !is_line) return list_lines(call, place);
  if (call.method == "GET") {
    BR_TRY(line, line_of(call, place, place.acl, call.route.entity));
    return json_response(200, line);
  }
  if (call.method == "POST" ? !is_line : is_line) {
    if (call.method == "DELETE") return remove_line(call, place);
    if (call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
      return put_line(call, place);
    }
  }
  return std::unexpected(
      unsupported("Method not allowed", call.method + " is not offered at this address")
          .with_tag("method"));
}

Result<io::HttpResponse> answer_for_bucket(Call& call, AclOf what) {
  const bool reads = call.method == "GET";
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit({core::Action::kAdminister,
                            reads ? Right::kReadBucketAcl : Right::kWriteBucketAcl},
                           path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr) return std::unexpected(not_found("it is gone").with_tag("no_bucket"));
  BR_TRY(check_lists_hold(view));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(
      check_metageneration(conditions, std::max<uint64_t>(info.record.metageneration, 1), reads));
  Place place;
  place.what = what;
  if (what == AclOf::kBucket) {
    place.acl = view->access->acl;
  } else if (view->access->default_acl) {
    place.acl = *view->access->default_acl;
  } else {
    BR_TRY(standard, predefined_acl("projectPrivate", "", AclOf::kObject));
    place.acl = std::move(standard);
  }
  const std::string attribute{what == AclOf::kBucket ? access::kAclAttribute
                                                     : access::kDefaultAclAttribute};
  place.put = [&, attribute](const Acl& acl) -> Result<void> {
    BR_TRY(check_not_public(*view->access, acl));
    BR_TRY(call.rooms.names.set_directory_attributes(call.context, *grant,
                                                     {{attribute, access::encode(acl)}}));
    return {};
  };
  return answer(call, place);
}

}  // namespace

Result<io::HttpResponse> bucket_acl(Call& call) { return answer_for_bucket(call, AclOf::kBucket); }

Result<io::HttpResponse> default_object_acl(Call& call) {
  return answer_for_bucket(call, AclOf::kObject);
}

Result<io::HttpResponse> object_acl(Call& call) {
  const bool reads = call.method == "GET";
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(grant, call.admit({core::Action::kAdminister,
                            reads ? Right::kReadObjectAcl : Right::kWriteObjectAcl},
                           path, generation));
  BR_TRY(entry, call.rooms.names.stat(call.context, *grant, generation));
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr) return std::unexpected(not_found("it is gone").with_tag("no_bucket"));
  BR_TRY(check_lists_hold(view));
  Place place;
  place.what = AclOf::kObject;
  BR_TRY(acl, acl_of_entry(*view, entry.record));
  place.acl = std::move(acl);
  place.object = call.route.object;
  place.generation = entry.record.generation;
  place.put = [&](const Acl& changed) -> Result<void> {
    BR_TRY(check_not_public(*view->access, changed));
    core::AttributePatch patch;
    patch.acl = access::encode(changed);
    patch.generation = entry.record.generation;
    // Two changes at once: the later one starts from the earlier one's outcome, or fails.
    patch.conditions.metageneration_match = entry.record.metageneration;
    BR_TRY(call.rooms.names.set_attributes(call.context, *grant, patch));
    return {};
  };
  return answer(call, place);
}

}  // namespace beringia::protocol::gcs
