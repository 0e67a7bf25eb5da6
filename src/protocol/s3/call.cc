#include "protocol/s3/call.h"

#include <cassert>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/request_facts.h"
#include "protocol/s3/rights.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxKeyBytes = 1024;  // S3 API: keys are 1 to 1,024 bytes of UTF-8

}  // namespace

core::Door Call::door() const {
  return {"s3", std::string{operation_name(route)}, request.peer_address, context.trace_id(),
          request.is_tls};
}

Result<core::Grant> Call::admit_one(const io::Context& own, core::Action action, const Path& path,
                                    std::optional<access::Right> right,
                                    std::optional<uint64_t> generation) const {
  const RequestFacts facts{*this};
  access::Ask ask{action, right ? *right : right_of(*this, action), &facts};
  ask.generation = generation;
  return rooms.gate.admit(own, *principal, ask, path, door());
}

Result<const core::Grant*> Call::admit(core::Action action, const Path& path) {
  is_recorded = true;
  BR_TRY(grant, admit_one(context, action, path, {}, generation_asked(*this, action)));
  return keep(std::move(grant));
}

Result<const core::Grant*> Call::admit_bucket_list() {
  is_recorded = true;
  BR_TRY(grant, rooms.gate.admit_bucket_list(context, *principal, door()));
  return keep(std::move(grant));
}

Result<const core::Grant*> Call::keep(core::Grant grant) {
  for (auto& slot : grants) {
    if (slot) continue;
    slot.emplace(std::move(grant));
    return &*slot;
  }
  assert(false && "a verb asks for at most two grants");
  return std::unexpected(internal("a request asked for too many grants"));
}

Result<Path> Call::bucket_path(std::string_view bucket) const {
  auto path = rooms.names.bucket_path(bucket);
  if (!path) {
    return std::unexpected(
        s3_error("InvalidBucketName", "The specified bucket is not valid.", path.error().why()));
  }
  return path;
}

Result<Path> Call::object_path(std::string_view bucket, std::string_view key) const {
  if (key.size() > kMaxKeyBytes) {
    return std::unexpected(s3_error("KeyTooLongError", "Your key is too long"));
  }
  BR_TRY(directory, bucket_path(bucket));
  auto path = directory.join(key);
  if (!path) {
    return std::unexpected(
        s3_error("InvalidURI", "Couldn't parse the specified URI.", path.error().to_string()));
  }
  return path;
}

Error s3_error(std::string code, std::string what, std::string why) {
  return invalid(std::move(what), std::move(why)).with_tag(std::move(code));
}

Error not_implemented(std::string why) {
  return unsupported("A header you provided implies functionality that is not implemented",
                     std::move(why));
}

io::HttpResponse xml_response(int status, std::string xml) {
  io::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/xml");
  response.text = std::move(xml);
  return response;
}

io::HttpResponse empty_response(int status) {
  io::HttpResponse response;
  response.status = status;
  return response;
}

}  // namespace beringia::protocol::s3
