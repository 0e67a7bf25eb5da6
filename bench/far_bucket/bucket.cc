#include "far_bucket/bucket.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/checksum.h"
#include "base/encoding.h"
#include "wire/multipart.h"

namespace beringia::bench {

namespace {

using wire::gcs::ObjectResource;

constexpr size_t kMaxBodyBytes = 64 << 20;  // of one request
constexpr size_t kMaxSources = 32;          // Objects: compose
constexpr size_t kMaxPage = 1000;           // Objects: list

/// A range of an object's pieces.
class PiecesSource final : public io::ByteSource {
 public:
  PiecesSource(std::vector<Piece> pieces, uint64_t skip, uint64_t length)
      : pieces_{std::move(pieces)}, skip_{skip}, left_{length} {
    while (at_ < pieces_.size() && skip_ >= pieces_[at_]->size()) skip_ -= pieces_[at_++]->size();
  }
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    if (left_ == 0 || at_ == pieces_.size()) return 0;
    const auto& bytes = *pieces_[at_];
    const size_t count = bytes.copy(buffer.data(), std::min<uint64_t>(buffer.size(), left_), skip_);
    skip_ += count;
    left_ -= count;
    if (skip_ == bytes.size()) {
      ++at_;
      skip_ = 0;
    }
    return count;
  }

 private:
  std::vector<Piece> pieces_;
  size_t at_ = 0;
  uint64_t skip_;
  uint64_t left_;
};

io::HttpResponse json(std::string text) {
  io::HttpResponse response;
  response.headers.set("Content-Type", "application/json");
  response.text = std::move(text);
  return response;
}

io::HttpResponse error(int status, std::string message) {
  auto response = json(wire::gcs::render(wire::gcs::ErrorBody{status, std::move(message), "x"}));
  response.status = status;
  return response;
}

std::string get(const std::map<std::string, std::string>& parameters, const char* name) {
  auto found = parameters.find(name);
  return found == parameters.end() ? std::string{} : found->second;
}

std::map<std::string, std::string> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  while (!query.empty()) {
    auto item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), item.size() + 1));
    const auto equals = std::min(item.find('='), item.size());
    auto value = percent_decode(item.substr(std::min(equals + 1, item.size())));
    out[std::string{item.substr(0, equals)}] = value.value_or("");
  }
  return out;
}

/// The media of a multipart/related body, found by its frame: the boundary is the sender's own and
/// random, so the bytes need not be searched.
struct Related {
  std::string metadata;
  std::string media;
};
std::optional<Related> split(std::string body, std::string_view boundary) {
  const std::string delimiter = "--" + std::string{boundary};
  auto head = body.find("\r\n\r\n");
  auto next = head == std::string::npos ? head : body.find(delimiter, head);
  auto media = next == std::string::npos ? next : body.find("\r\n\r\n", next);
  auto end = body.rfind("\r\n" + delimiter + "--");
  if (media == std::string::npos || end == std::string::npos || end < media + 4) {
    return std::nullopt;
  }
  Related out;
  out.metadata = body.substr(head + 4, next - head - 4);
  body.resize(end);
  body.erase(0, media + 4);
  out.media = std::move(body);
  return out;
}

}  // namespace

void Bucket::fill(const std::string& prefix, size_t count) {
  std::lock_guard lock{mutex_};
  for (size_t number = 0; number < count; ++number) {
    auto digits = std::to_string(number);
    auto name = prefix + std::string(7 - std::min<size_t>(7, digits.size()), '0') + digits;
    wire::gcs::ObjectChange change;
    (void)store(name, change, {}, 0, 0);
  }
}

std::optional<io::HttpResponse> Bucket::violated(const Parameters& parameters,
                                                 const std::string& name) const {
  auto found = objects_.find(name);
  const uint64_t generation = found == objects_.end() ? 0 : found->second.resource.generation;
  const auto wanted = parse_u64(get(parameters, "ifGenerationMatch"));
  if (wanted && *wanted != generation) return error(412, "ifGenerationMatch");
  const auto meta = parse_u64(get(parameters, "ifMetagenerationMatch"));
  if (meta && (generation == 0 || *meta != found->second.resource.metageneration)) {
    return error(412, "ifMetagenerationMatch");
  }
  return std::nullopt;
}

io::HttpResponse Bucket::store(const std::string& name, const wire::gcs::ObjectChange& change,
                               std::vector<Piece> pieces, uint64_t size, uint32_t crc32c) {
  auto& stored = objects_[name];
  ObjectResource object;
  object.bucket = name_;
  object.name = name;
  object.generation = ++generation_;
  object.size = size;
  object.crc32c = crc32c;
  object.content_type = change.content_type.value();
  object.storage_class = change.storage_class.value();
  if (object.storage_class.empty()) object.storage_class = "STANDARD";
  for (const auto& [key, value] : change.metadata) {
    if (value) object.metadata[key] = *value;
  }
  object.time_created = object.updated = SystemClock{}.wall();
  stored.resource = std::move(object);
  stored.pieces = std::move(pieces);
  return json(wire::gcs::render(stored.resource));
}

io::HttpResponse Bucket::upload(const io::Context& context, io::HttpRequest& request,
                                const Parameters& parameters) {
  auto body = io::read_all(context, *request.body, kMaxBodyBytes);
  if (!body) return error(400, body.error().to_string());
  wire::gcs::ObjectChange change;
  std::string name = get(parameters, "name");
  if (get(parameters, "uploadType") == "multipart") {
    auto boundary = wire::multipart_boundary(request.headers.get_or("content-type", ""));
    if (!boundary) return error(400, boundary.error().to_string());
    auto parts = split(std::move(*body), *boundary);
    if (!parts) return error(400, "not multipart/related");
    auto sent = wire::gcs::parse_object_change(parts->metadata);
    if (!sent) return error(400, sent.error().to_string());
    change = std::move(*sent);
    if (name.empty()) name = change.name.value();
    *body = std::move(parts->media);
  }
  const uint32_t crc32c = Crc32c::of(*body);
  if (change.crc32c && *change.crc32c != crc32c) {
    return error(400, "Provided CRC32C doesn't match calculated CRC32C");
  }
  std::lock_guard lock{mutex_};
  if (auto bad = violated(parameters, name)) return std::move(*bad);
  const uint64_t size = body->size();
  return store(name, change, {std::make_shared<const std::string>(std::move(*body))}, size, crc32c);
}

io::HttpResponse Bucket::begin_session(const io::Context& context, io::HttpRequest& request,
                                       const Parameters& parameters) {
  auto text = io::read_all(context, *request.body, kMaxBodyBytes);
  auto change = text ? wire::gcs::parse_object_change(text->empty() ? "{}" : *text)
                     : std::unexpected(text.error());
  if (!change) return error(400, change.error().to_string());
  Session session;
  session.fields = std::move(*change);
  session.name = get(parameters, "name");
  session.if_generation = parse_u64(get(parameters, "ifGenerationMatch")).value_or(0);
  std::lock_guard lock{mutex_};
  const auto id = std::to_string(++generation_);
  sessions_[id] = std::move(session);
  io::HttpResponse response;
  response.headers.set("Location", "http://bucket/upload/storage/v1/b/" + name_ +
                                       "/o?uploadType=resumable&upload_id=" + id);
  return response;
}

io::HttpResponse Bucket::chunk(const io::Context& context, io::HttpRequest& request,
                               const Parameters& parameters) {
  auto body = io::read_all(context, *request.body, kMaxBodyBytes);
  if (!body) return error(400, body.error().to_string());
  std::lock_guard lock{mutex_};
  auto found = sessions_.find(get(parameters, "upload_id"));
  if (found == sessions_.end()) return error(404, "no such session");
  auto& session = found->second;
  const auto range = request.headers.get_or("content-range", "bytes */*");
  const auto total = parse_u64(range.substr(std::min(range.size(), range.find('/') + 1)));
  if (!body->empty()) {
    session.crc32c = Crc32c::combine(session.crc32c, Crc32c::of(*body), body->size());
    session.size += body->size();
    session.pieces.push_back(std::make_shared<const std::string>(std::move(*body)));
  }
  if (total && *total == session.size) {
    auto ended = std::move(session);
    sessions_.erase(found);
    auto at = objects_.find(ended.name);
    const uint64_t now = at == objects_.end() ? 0 : at->second.resource.generation;
    if (now != ended.if_generation) return error(412, "ifGenerationMatch");
    return store(ended.name, ended.fields, std::move(ended.pieces), ended.size, ended.crc32c);
  }
  io::HttpResponse response;
  response.status = 308;
  if (session.size > 0) {
    response.headers.set("Range", "bytes=0-" + std::to_string(session.size - 1));
  }
  return response;
}

io::HttpResponse Bucket::list(const Parameters& parameters) {
  const auto prefix = get(parameters, "prefix");
  const auto delimiter = get(parameters, "delimiter");
  const auto limit =
      std::min<size_t>(kMaxPage, parse_u64(get(parameters, "maxResults")).value_or(kMaxPage));
  auto from = std::max({prefix, get(parameters, "startOffset"), get(parameters, "pageToken")});
  wire::gcs::ObjectList page;
  std::lock_guard lock{mutex_};
  for (auto at = objects_.lower_bound(from); at != objects_.end();) {
    const auto& name = at->first;
    if (!name.starts_with(prefix)) break;
    if (page.items.size() + page.prefixes.size() == limit) {
      page.next_page_token = name;
      break;
    }
    const auto cut = delimiter.empty() ? std::string::npos : name.find(delimiter, prefix.size());
    if (cut == std::string::npos) {
      page.items.push_back(at->second.resource);
      ++at;
      continue;
    }
    page.prefixes.push_back(name.substr(0, cut + delimiter.size()));
    at = objects_.lower_bound(page.prefixes.back() + "\xF4\x8F\xBF\xBF");
  }
  return json(wire::gcs::render(page));
}

io::HttpResponse Bucket::compose(const std::string& to, const std::string& text,
                                 const Parameters& parameters) {
  auto body = wire::gcs::parse_compose(text);
  if (!body || body->sources.empty() || body->sources.size() > kMaxSources) {
    return error(400, "1 to 32 sources");
  }
  std::lock_guard lock{mutex_};
  std::vector<Piece> pieces;
  uint64_t size = 0;
  uint32_t crc32c = 0;
  for (const auto& source : body->sources) {
    auto found = objects_.find(source.name);
    if (found == objects_.end()) return error(404, "No such object");
    const auto& object = found->second.resource;
    const auto wanted = source.if_generation_match ? source.if_generation_match : source.generation;
    if (wanted && *wanted != object.generation) return error(412, "a source's generation");
    pieces.insert(pieces.end(), found->second.pieces.begin(), found->second.pieces.end());
    crc32c = Crc32c::combine(crc32c, *object.crc32c, object.size);
    size += object.size;
  }
  if (auto bad = violated(parameters, to)) return std::move(*bad);
  return store(to, body->destination, std::move(pieces), size, crc32c);
}

io::HttpResponse Bucket::rewrite(const std::string& from, const std::string& to,
                                 const std::string& text, const Parameters& parameters) {
  auto change = wire::gcs::parse_object_change(text.empty() ? "{}" : text);
  if (!change) return error(400, change.error().to_string());
  std::lock_guard lock{mutex_};
  auto found = objects_.find(from);
  if (found == objects_.end()) return error(404, "No such object");
  const auto source = found->second;
  const auto wanted = parse_u64(get(parameters, "ifSourceGenerationMatch"));
  if (wanted && *wanted != source.resource.generation) return error(412, "the source's generation");
  if (auto bad = violated(parameters, to)) return std::move(*bad);
  (void)store(to, *change, source.pieces, source.resource.size, *source.resource.crc32c);
  wire::gcs::RewriteAnswer answer;
  answer.done = true;
  answer.object_size = answer.total_bytes_rewritten = source.resource.size;
  answer.resource = objects_[to].resource;
  return json(wire::gcs::render(answer));
}

io::HttpResponse Bucket::read(const std::string& name, const Parameters& parameters,
                              const io::HttpRequest& request, bool media) {
  std::lock_guard lock{mutex_};
  auto found = objects_.find(name);
  const auto generation = parse_u64(get(parameters, "generation"));
  if (found == objects_.end() || (generation && *generation != found->second.resource.generation)) {
    return error(404, "No such object: " + name_ + "/" + name);
  }
  if (auto bad = violated(parameters, name)) return std::move(*bad);
  const auto& object = found->second.resource;
  if (!media) return json(wire::gcs::render(object));
  uint64_t first = 0;
  uint64_t last = object.size == 0 ? 0 : object.size - 1;
  io::HttpResponse response;
  auto range = request.headers.get_or("range", "");
  if (range.starts_with("bytes=")) {
    range.remove_prefix(6);
    const auto dash = std::min(range.find('-'), range.size());
    first = parse_u64(range.substr(0, dash)).value_or(0);
    last = std::min(last, parse_u64(range.substr(std::min(dash + 1, range.size()))).value_or(last));
    if (first >= object.size) return error(416, "range");
    response.status = 206;
    response.headers.set("Content-Range", "bytes " + std::to_string(first) + "-" +
                                              std::to_string(last) + "/" +
                                              std::to_string(object.size));
  }
  const uint64_t length = object.size == 0 ? 0 : last - first + 1;
  response.headers.set("x-goog-generation", std::to_string(object.generation));
  response.headers.set("x-goog-hash", wire::gcs::hash_header(object.crc32c, std::nullopt));
  response.content_length = length;
  response.body = std::make_unique<PiecesSource>(found->second.pieces, first, length);
  return response;
}

io::HttpResponse Bucket::patch(const std::string& name, const std::string& text,
                               const Parameters& parameters) {
  auto change = wire::gcs::parse_object_change(text);
  if (!change) return error(400, change.error().to_string());
  std::lock_guard lock{mutex_};
  auto found = objects_.find(name);
  if (found == objects_.end()) return error(404, "No such object");
  if (auto bad = violated(parameters, name)) return std::move(*bad);
  auto& object = found->second.resource;
  ++object.metageneration;
  if (change->content_type.present()) object.content_type = change->content_type.value();
  for (const auto& [key, value] : change->metadata) {
    if (value) {
      object.metadata[key] = *value;
    } else {
      object.metadata.erase(key);
    }
  }
  return json(wire::gcs::render(object));
}

io::HttpResponse Bucket::remove(const std::string& name, const Parameters& parameters) {
  std::lock_guard lock{mutex_};
  if (!objects_.contains(name)) return error(404, "No such object");
  if (auto bad = violated(parameters, name)) return std::move(*bad);
  objects_.erase(name);
  io::HttpResponse response;
  response.status = 204;
  return response;
}

io::HttpResponse Bucket::counts() {
  std::lock_guard lock{mutex_};
  std::string out;
  for (const auto& [kind, count] : counts_) out += kind + " " + std::to_string(count) + "\n";
  io::HttpResponse response;
  response.text = std::move(out);
  return response;
}

io::HttpResponse Bucket::handle(const io::Context& context, io::HttpRequest& request) {
  if (request.path == "/counts") return counts();
  const auto parameters = parse_query(request.query);
  auto count = [&](const char* kind) {
    std::lock_guard lock{mutex_};
    ++counts_[kind];
  };
  std::string path = request.path;
  if (path.starts_with("/upload/")) {
    if (parameters.contains("upload_id")) return chunk(context, request, parameters);
    count("upload");
    return get(parameters, "uploadType") == "resumable"
               ? begin_session(context, request, parameters)
               : upload(context, request, parameters);
  }
  const bool media = path.starts_with("/download/") || get(parameters, "alt") == "media";
  if (path.starts_with("/download/")) path.erase(0, std::strlen("/download"));
  const std::string root = "/storage/v1/b/" + name_ + "/o";
  if (path == root) {
    count("list");
    return list(parameters);
  }
  if (!path.starts_with(root + "/")) return error(404, "The specified bucket does not exist.");
  std::string rest = path.substr(root.size() + 1);
  auto text = request.has_body ? io::read_all(context, *request.body, kMaxBodyBytes)
                               : Result<std::string>{std::string{}};
  if (!text) return error(400, text.error().to_string());
  const std::string compose_end = "/compose";
  const std::string rewrite_to = "/rewriteTo/b/" + name_ + "/o/";
  if (request.method == "POST" && rest.ends_with(compose_end)) {
    count("compose");
    const auto to = percent_decode(rest.substr(0, rest.size() - compose_end.size()));
    return compose(to.value_or(""), *text, parameters);
  }
  if (auto at = rest.find(rewrite_to); request.method == "POST" && at != std::string::npos) {
    count("rewrite");
    return rewrite(percent_decode(rest.substr(0, at)).value_or(""),
                   percent_decode(rest.substr(at + rewrite_to.size())).value_or(""), *text,
                   parameters);
  }
  const auto name = percent_decode(rest).value_or("");
  if (request.method == "DELETE") {
    count("delete");
    return remove(name, parameters);
  }
  if (request.method == "PATCH") {
    count("patch");
    return patch(name, *text, parameters);
  }
  count(media ? "media" : "get");
  return read(name, parameters, request, media);
}

}  // namespace beringia::bench
