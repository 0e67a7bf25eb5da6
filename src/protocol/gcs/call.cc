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

/// What conditions may ask about a list. The keys are S3's: one set of conditions for both doors.
class ListFacts final : public access::Facts {
 public:
  explicit ListFacts(const Parameters& query) : query_{query} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    const std::string_view name = key == "s3:prefix"      ? "prefix"
                                  : key == "s3:delimiter" ? "delimiter"
                                                          : "";
    if (name.empty() || !query_.has(name)) return false;
    values.push_back(query_.get(name));
    return true;
  }

 private:
  const Parameters& query_;
};

}  // namespace

core::Door Call::door() const {
  return {std::string{door_name}, std::string{operation_name(route.verb)}, request.peer_address,
          context.trace_id(), request.is_tls};
}

Result<const core::Grant*> Call::admit(access::Ask ask, const Path& path,
                                       std::optional<uint64_t> generation) {
  ask.generation = generation;
  const ListFacts facts{query};
  if (ask.action == core::Action::kList && ask.facts == nullptr) ask.facts = &facts;
  BR_TRY(grant, rooms.gate.admit(context, *principal, ask, path, door()));
  grants.push_back(std::move(grant));
  return &grants.back();
}

Result<const core::Grant*> Call::admit_bucket_list() {
  BR_TRY(grant, rooms.gate.admit_bucket_list(context, *principal, door()));
  grants.push_back(std::move(grant));
  return &grants.back();
}

bool Call::may(const access::Ask& ask, const Path& path) const {
  return rooms.gate.may(*principal, ask, path, door());
}

const access::BucketView* Call::view_of(std::string_view bucket) const {
  if (!looked || looked->first != bucket) {
    looked.emplace(std::string{bucket}, std::nullopt);
    if (auto path = rooms.names.bucket_path(bucket)) {
      if (auto view = rooms.gate.look(*path)) looked->second = std::move(*view);
    }
  }
  return looked->second ? &*looked->second : nullptr;
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
