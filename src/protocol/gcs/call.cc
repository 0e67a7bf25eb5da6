#include "protocol/gcs/call.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxObjectName = 1024;  // GCS: names are 1 to 1,024 bytes of UTF-8

/// host[:port], a literal or a name; anything else is not echoed into URLs.
bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 262 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

core::Door Call::door() const {
  return {"gcs", std::string{operation_name(route.verb)}, request.peer_address, context.trace_id()};
}

Result<const core::Grant*> Call::admit(core::Action action, const Path& path,
                                       std::optional<uint64_t> generation) {
  access::Ask ask{action};
  ask.generation = generation;
  BR_TRY(grant, rooms.gate.admit(context, *principal, ask, path, door()));
  grants.push_back(std::move(grant));
  return &grants.back();
}

Result<const core::Grant*> Call::admit_bucket_list() {
  BR_TRY(grant, rooms.gate.admit_bucket_list(context, *principal, door()));
  grants.push_back(std::move(grant));
  return &grants.back();
}

bool Call::may(core::Action action, const Path& path) const {
  return rooms.gate.may(*principal, action, path);
}

Result<Path> Call::bucket_path(std::string_view bucket) const {
  auto path = rooms.names.bucket_path(bucket);
  if (!path) {
    return std::unexpected(
        not_found("The specified bucket does not exist.", path.error().to_string())
            .with_tag("no_bucket"));
  }
  return path;
}

Result<Path> Call::object_path(std::string_view bucket, std::string_view object) const {
  if (object.empty()) return std::unexpected(invalid("Required parameter: name"));
  if (object.size() > kMaxObjectName) {
    return std::unexpected(
        invalid("The maximum object length is 1024 characters, but got a name with " +
                std::to_string(object.size()) + " characters."));
  }
  BR_TRY(directory, bucket_path(bucket));
  return directory.join(object);
}

Result<Path> Call::new_object_path(std::string_view bucket, std::string_view object) const {
  if (object == "." || object == ".." || object.find_first_of("\r\n") != std::string_view::npos ||
      object.starts_with(".well-known/acme-challenge/")) {
    return std::unexpected(invalid("Disallowed name",
                                   "\".\", \"..\", line ends and "
                                   ".well-known/acme-challenge/ cannot be used"));
  }
  return object_path(bucket, object);
}

Result<std::string> Call::read_body(size_t max_bytes) const {
  if (!request.has_body || request.body == nullptr) return std::string{};
  return io::read_all(context, *request.body, max_bytes);
}

std::string base_url_of(const io::HttpRequest& request, const std::string& public_url) {
  const std::string_view host = request.headers.get_or("Host", "");
  if (!is_host(host)) return public_url;
  // A proxy may have ended TLS before us: then the public address tells the scheme.
  const bool is_tls = request.is_tls || public_url.starts_with("https://");
  return (is_tls ? "https://" : "http://") + std::string{host};
}

Result<identity::Principal> authenticate(const Call& call) {
  const std::string_view header = call.header("Authorization");
  const size_t blank = header.find(' ');
  if (header.empty()) {
    return std::unexpected(denied("Anonymous caller does not have " +
                                      std::string{operation_name(call.route.verb)} + " access.",
                                  "the request has no Authorization header")
                               .with_tag("anonymous"));
  }
  if (blank == std::string_view::npos || !equals_ignoring_case(header.substr(0, blank), "Bearer")) {
    return std::unexpected(denied("Invalid Credentials", "Authorization is not a bearer token")
                               .with_tag("invalid_token"));
  }
  std::string_view token = header.substr(blank + 1);
  while (token.starts_with(' ')) token.remove_prefix(1);
  std::vector<std::string> audiences;
  if (!token.starts_with("ya29.")) {  // self-signed: access tokens name no audience
    audiences = {"https://storage.googleapis.com/", "https://storage.googleapis.com"};
    for (const std::string& url : {call.base_url, call.rooms.public_url}) {
      if (url.empty()) continue;
      audiences.push_back(url);
      audiences.push_back(url + "/");
    }
  }
  return call.rooms.directory.verify_bearer(call.context, std::string{token}, audiences);
}

io::HttpResponse json_response(int status, std::string json) {
  io::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json; charset=UTF-8");
  response.headers.add("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
  response.text = std::move(json);
  return response;
}

io::HttpResponse empty_response(int status) {
  io::HttpResponse response;
  response.status = status;
  return response;
}

}  // namespace beringia::protocol::gcs
