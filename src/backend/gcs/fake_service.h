#pragma once

// Only for the tests of this folder: a small model of the JSON API behind an HttpClient, with
// faults at will. It follows Google's reference; the emulators in tests/gcs_backend are the second
// opinion.

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/encoding.h"
#include "io/http.h"
#include "wire/gcsjson.h"
#include "wire/multipart.h"

namespace beringia::backend::gcs {

/// What goes wrong with one request.
struct Fault {
  enum class Kind {
    kNone,
    kRefused,         ///< no connection: nothing was sent
    kDropBefore,      ///< connection lost before the service acted
    kDropAfter,       ///< the service acts, its answer is lost
    kStatusBefore,    ///< `status` and nothing happens
    kStatusAfter,     ///< the service acts, then answers `status`
    kCutBody,         ///< the answer's body breaks off after `bytes`
    kKeepPart,        ///< of an uploaded chunk only `bytes` arrive, then the connection is lost
    kKeepPartStatus,  ///< of an uploaded chunk only `bytes` arrive, then `status` is answered
    kCorrupt,         ///< one bit of the answer's body flips
  } kind = Kind::kNone;
  int status = 503;
  size_t bytes = 0;
  std::string retry_after;
};

class FakeService final : public io::HttpClient {
 public:
  using Request = io::HttpClientRequest;

  /// Asked for each request, with its number (from 0).
  std::function<Fault(const Request&, size_t number)> fault;
  /// "METHOD target" of all requests, in order.
  std::vector<std::string> log;
  std::map<std::string, std::string> bytes;
  std::map<std::string, wire::gcs::ObjectResource> objects;
  std::string last_authorization;
  size_t page_size = 1000;
  size_t rewrite_rounds = 1;
  bool bucket_exists = true;
  /// Answers requests that are not about objects (status and body); without it they are refused.
  std::function<std::optional<std::pair<int, std::string>>(const Request&)> other;
  /// A retention policy of the bucket: what is there can neither be deleted nor replaced.
  bool retains = false;
  int deny_status = 0;
  std::string deny_message;

  /// Puts an object there as a foreign client would.
  uint64_t put(const std::string& name, std::string body, wire::gcs::StringMap metadata = {}) {
    wire::gcs::ObjectResource object;
    object.metadata = std::move(metadata);
    object.content_type = "text/plain";
    return store(name, std::move(body), std::move(object)).generation;
  }
  /// Requests whose method and target begin and contain these texts.
  size_t count(std::string_view method, std::string_view part) const {
    return static_cast<size_t>(std::ranges::count_if(log, [&](const std::string& line) {
      return line.starts_with(method) && line.find(part) != std::string::npos;
    }));
  }

  Result<io::HttpClientResponse> send(const io::Context& context, Request request) override {
    std::lock_guard lock{mutex_};
    if (request.body != nullptr) {
      request.text = io::read_all(context, *request.body, 64 << 20).value();
    }
    const Fault now = fault ? fault(request, log.size()) : Fault{};
    log.push_back(request.method + " " + request.target);
    last_authorization = std::string{request.headers.get_or("authorization", "")};
    using Kind = Fault::Kind;
    if (now.kind == Kind::kRefused) {
      return std::unexpected(unavailable("cannot connect", "connection refused"));
    }
    if (now.kind == Kind::kDropBefore) return std::unexpected(dropped());
    if (now.kind == Kind::kStatusBefore) return broken_status(now);
    const bool keeps = now.kind == Kind::kKeepPart || now.kind == Kind::kKeepPartStatus;
    if (keeps) request.text.resize(std::min(request.text.size(), now.bytes));
    Answer answer = handle(request);
    if (now.kind == Kind::kDropAfter || now.kind == Kind::kKeepPart) {
      return std::unexpected(dropped());
    }
    if (now.kind == Kind::kStatusAfter || now.kind == Kind::kKeepPartStatus)
      return broken_status(now);
    if (now.kind == Kind::kCorrupt && !answer.body.empty())
      answer.body[answer.body.size() / 2] ^= 1;
    io::HttpClientResponse response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    response.content_length = answer.body.size();
    const bool cut = now.kind == Kind::kCutBody;
    if (cut) answer.body.resize(std::min(answer.body.size(), now.bytes));
    response.body = std::make_unique<Body>(std::move(answer.body), cut);
    return response;
  }

 private:
  struct Answer {
    int status = 200;
    std::string body;
    io::HttpHeaders headers;
  };
  struct Session {
    std::string name;
    uint64_t if_generation = 0;
    std::string body;
    wire::gcs::ObjectChange fields;
    bool done = false;
    std::string result;
  };
  class Body final : public io::ByteSource {
   public:
    Body(std::string text, bool cut) : inner_{std::move(text)}, cut_{cut} {}
    Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
      auto count = inner_.read(context, buffer);
      if (count && *count == 0 && cut_) return std::unexpected(dropped());
      return count;
    }

   private:
    io::StringSource inner_;
    bool cut_;
  };
  using Parameters = std::map<std::string, std::string>;

  static Error dropped() {
    return Error{Code::kUnavailable, Retry::kMaybeApplied, "the connection broke", "reset by peer"};
  }
  static io::HttpClientResponse broken_status(const Fault& fault) {
    io::HttpClientResponse response;
    response.status = fault.status;
    if (!fault.retry_after.empty()) response.headers.set("Retry-After", fault.retry_after);
    response.body = std::make_unique<io::StringSource>("backend error");
    return response;
  }
  static Answer error(int status, std::string message) {
    return {status, wire::gcs::render(wire::gcs::ErrorBody{status, std::move(message), "x"}), {}};
  }
  static Answer kept(const std::string& name) {
    wire::gcs::ErrorBody body;
    body.code = 403;
    body.message = "Object 'bucket/" + name + "' is subject to bucket's retention policy";
    body.reason = "retentionPolicyNotMet";
    return {403, wire::gcs::render(body), {}};
  }
  static Answer json(std::string text) { return {200, std::move(text), {}}; }

  wire::gcs::ObjectResource& store(const std::string& name, std::string body,
                                   wire::gcs::ObjectResource object) {
    object.bucket = "bucket";
    object.name = name;
    object.generation = ++generation_;
    object.metageneration = 1;
    object.size = body.size();
    object.crc32c = Crc32c::of(body);
    object.md5 = md5(body);
    if (object.storage_class.empty()) object.storage_class = "STANDARD";
    object.time_created = object.updated = SystemClock{}.wall();
    bytes[name] = std::move(body);
    return objects[name] = std::move(object);
  }

  static wire::gcs::ObjectResource from_change(const wire::gcs::ObjectChange& change) {
    wire::gcs::ObjectResource object;
    object.content_type = change.content_type.value();
    object.storage_class = change.storage_class.value();
    object.cache_control = change.cache_control.value();
    object.content_encoding = change.content_encoding.value();
    object.content_disposition = change.content_disposition.value();
    object.content_language = change.content_language.value();
    for (const auto& [name, value] : change.metadata) {
      if (value) object.metadata[name] = *value;
    }
    return object;
  }

  uint64_t generation_at(const std::string& name) const {
    auto found = objects.find(name);
    return found == objects.end() ? 0 : found->second.generation;
  }

  /// The preconditions of `parameters` on `name`; they must be there for writes.
  std::optional<Answer> violated(const Parameters& parameters, const std::string& name,
                                 bool is_write, bool changes_bytes = true) const {
    auto wanted = parameters.find("ifGenerationMatch");
    if (wanted == parameters.end()) {
      if (is_write) return error(400, "a blind write");  // the promise under test
    } else if (parse_u64(wanted->second) != generation_at(name)) {
      if (!is_write && generation_at(name) == 0) return error(404, "No such object");
      return error(412, "At least one of the pre-conditions you specified did not hold.");
    }
    if (retains && is_write && changes_bytes && generation_at(name) != 0) return kept(name);
    auto meta = parameters.find("ifMetagenerationMatch");
    if (meta != parameters.end() && parse_u64(meta->second) != objects.at(name).metageneration) {
      return error(412, "metageneration");
    }
    return std::nullopt;
  }

  Answer handle(const Request& request) {
    auto question = request.target.find('?');
    auto path = request.target.substr(0, question);
    Parameters parameters;
    if (question != std::string::npos) {
      auto rest = request.target.substr(question + 1) + "&";
      for (size_t at = 0; at < rest.size();) {
        auto end = rest.find('&', at);
        auto item = rest.substr(at, end - at);
        auto equals = item.find('=');
        parameters[item.substr(0, equals)] = *percent_decode(item.substr(equals + 1));
        at = end + 1;
      }
    }
    if (deny_status != 0) return error(deny_status, deny_message);
    if (!bucket_exists) return error(404, "The specified bucket does not exist.");
    if (auto answer = other ? other(request) : std::nullopt) {
      return {answer->first, std::move(answer->second), {}};
    }
    if (path == "/upload/storage/v1/b/bucket/o") return upload(request, parameters);
    if (path == "/storage/v1/b/bucket/o") return list(parameters);
    const std::string root = "/storage/v1/b/bucket/o/";
    if (path.find("/o/") == std::string::npos) return error(403, "storage.buckets.get denied");
    const bool media = path.starts_with("/download");
    if (media) path = path.substr(9);
    auto name = path.substr(root.size());
    if (auto at = name.find("/rewriteTo/b/bucket/o/"); at != std::string::npos) {
      return rewrite(request, parameters, *percent_decode(name.substr(0, at)),
                     *percent_decode(name.substr(at + 22)));
    }
    if (name.ends_with("/compose")) {
      return compose(request, parameters, *percent_decode(name.substr(0, name.size() - 8)));
    }
    name = *percent_decode(name);
    if (request.method == "DELETE") return remove(parameters, name);
    if (request.method == "PATCH") return patch(request, parameters, name);
    auto generation = parameters.find("generation");
    if (generation_at(name) == 0 ||
        (generation != parameters.end() && parse_u64(generation->second) != generation_at(name))) {
      return error(404, "No such object: bucket/" + name);
    }
    if (auto bad = violated(parameters, name, false)) return *bad;
    return media ? download(request, name) : json(wire::gcs::render(objects[name]));
  }

  Answer download(const Request& request, const std::string& name) {
    const auto& object = objects[name];
    const auto& body = bytes[name];
    auto range = std::string{request.headers.get_or("range", "")}.substr(6);
    auto first = *parse_u64(range.substr(0, range.find('-')));
    auto last = *parse_u64(range.substr(range.find('-') + 1));
    if (first >= body.size()) return error(416, "range");
    last = std::min<uint64_t>(last, body.size() - 1);
    Answer answer{206, body.substr(first, last - first + 1), {}};
    answer.headers.set("Content-Range", "bytes " + std::to_string(first) + "-" +
                                            std::to_string(last) + "/" +
                                            std::to_string(body.size()));
    answer.headers.set("x-goog-generation", std::to_string(object.generation));
    answer.headers.add("x-goog-hash", wire::gcs::hash_header(object.crc32c, std::nullopt));
    answer.headers.add("x-goog-hash", wire::gcs::hash_header(std::nullopt, object.md5));
    return answer;
  }

  Answer remove(const Parameters& parameters, const std::string& name) {
    if (generation_at(name) == 0) return error(404, "No such object: bucket/" + name);
    if (auto bad = violated(parameters, name, true)) return *bad;
    objects.erase(name);
    bytes.erase(name);
    return {204, {}, {}};
  }

  Answer patch(const Request& request, const Parameters& parameters, const std::string& name) {
    if (generation_at(name) == 0) return error(404, "No such object: bucket/" + name);
    if (auto bad = violated(parameters, name, true, false)) return *bad;
    auto change = wire::gcs::parse_object_change(request.text).value();
    auto& object = objects[name];
    ++object.metageneration;
    auto apply = [](const wire::gcs::FieldChange& field, std::string& slot) {
      if (field.present()) slot = field.value();
    };
    apply(change.content_type, object.content_type);
    apply(change.cache_control, object.cache_control);
    apply(change.content_encoding, object.content_encoding);
    for (const auto& [key, value] : change.metadata) {
      if (value) {
        object.metadata[key] = *value;
      } else {
        object.metadata.erase(key);
      }
    }
    return json(wire::gcs::render(object));
  }

  Answer rewrite(const Request& request, const Parameters& parameters, const std::string& from,
                 const std::string& to) {
    if (generation_at(from) == 0) return error(404, "No such object: bucket/" + from);
    if (parse_u64(parameters.at("ifSourceGenerationMatch")) != generation_at(from)) {
      return error(412, "source");
    }
    if (auto bad = violated(parameters, to, true)) return *bad;
    wire::gcs::RewriteAnswer answer;
    answer.object_size = bytes[from].size();
    if (++rewrites_ % rewrite_rounds != 0) {
      answer.rewrite_token = "token-" + std::to_string(rewrites_);
      return json(wire::gcs::render(answer));
    }
    answer.done = true;
    answer.resource =
        store(to, bytes[from], from_change(wire::gcs::parse_object_change(request.text).value()));
    return json(wire::gcs::render(answer));
  }

  Answer compose(const Request& request, const Parameters& parameters, const std::string& to) {
    auto body = wire::gcs::parse_compose(request.text).value();
    if (body.sources.empty() || body.sources.size() > 32) return error(400, "1 to 32 sources");
    std::string joined;
    for (const auto& source : body.sources) {
      if (generation_at(source.name) == 0) return error(404, "No such object");
      if (source.if_generation_match != generation_at(source.name)) return error(412, "source");
      joined += bytes[source.name];
    }
    if (auto bad = violated(parameters, to, true)) return *bad;
    auto& object = store(to, std::move(joined), from_change(body.destination));
    object.md5.reset();
    return json(wire::gcs::render(object));
  }

  Answer list(const Parameters& parameters) {
    auto get = [&](const char* key) {
      auto found = parameters.find(key);
      return found == parameters.end() ? std::string{} : found->second;
    };
    const auto prefix = get("prefix");
    const auto delimiter = get("delimiter");
    const auto limit = std::min<size_t>(page_size, parse_u64(get("maxResults")).value_or(1000));
    auto start = std::max(get("startOffset"), get("pageToken"));
    wire::gcs::ObjectList page;
    for (const auto& [name, object] : objects) {
      if (!name.starts_with(prefix)) continue;
      std::string shown = name;
      auto cut = delimiter.empty() ? std::string::npos : name.find(delimiter, prefix.size());
      if (cut != std::string::npos) shown = name.substr(0, cut + 1);
      if (name < start || (!page.prefixes.empty() && page.prefixes.back() == shown)) continue;
      if (page.items.size() + page.prefixes.size() == limit) {
        page.next_page_token = name;
        break;
      }
      if (cut == std::string::npos) {
        page.items.push_back(object);
      } else {
        page.prefixes.push_back(shown);
      }
    }
    return json(wire::gcs::render(page));
  }

  Answer upload(const Request& request, const Parameters& parameters) {
    if (auto id = parameters.find("upload_id"); id != parameters.end()) {
      return session(request, id->second);
    }
    if (parameters.at("uploadType") == "resumable") {
      auto id = "s" + std::to_string(sessions_.size());
      auto& made = sessions_[id];
      made.name = parameters.at("name");
      made.if_generation = *parse_u64(parameters.at("ifGenerationMatch"));
      made.fields = wire::gcs::parse_object_change(request.text).value();
      Answer answer;
      answer.headers.set("Location",
                         "http://elsewhere:1/upload/storage/v1/b/bucket/o?"
                         "uploadType=resumable&upload_id=" +
                             id);
      return answer;
    }
    io::Context context;
    io::StringSource source{request.text};
    wire::MultipartReader reader{
        source, wire::multipart_boundary(request.headers.get_or("content-type", "")).value()};
    (void)reader.next(context);
    auto metadata = io::read_all(context, reader.part(), 1 << 20).value();
    (void)reader.next(context);
    auto body = io::read_all(context, reader.part(), 64 << 20).value();
    auto change = wire::gcs::parse_object_change(metadata).value();
    auto name = change.name.value();
    if (change.crc32c && *change.crc32c != Crc32c::of(body)) {
      return error(400, "Provided CRC32C doesn't match calculated CRC32C");
    }
    if (auto bad = violated(parameters, name, true)) return *bad;
    return json(wire::gcs::render(store(name, std::move(body), from_change(change))));
  }

  Answer session(const Request& request, const std::string& id) {
    auto found = sessions_.find(id);
    if (found == sessions_.end()) return error(404, "no session");
    auto& session = found->second;
    if (request.method == "DELETE") {
      sessions_.erase(found);
      return {499, {}, {}};
    }
    if (session.done) return json(session.result);
    auto range = std::string{request.headers.get_or("content-range", "")}.substr(6);
    auto slash = range.find('/');
    auto total = parse_u64(range.substr(slash + 1));
    if (range[0] != '*') {
      auto first = *parse_u64(range.substr(0, range.find('-')));
      if (first > session.body.size()) return error(400, "a gap");
      auto skip = session.body.size() - first;
      if (skip < request.text.size()) session.body += request.text.substr(skip);
      // Only whole quanta are kept of a chunk that is not the last.
      if (session.body.size() != total) {
        session.body.resize(session.body.size() / (256 << 10) * (256 << 10));
      }
    }
    if (session.body.size() == total) {
      if (generation_at(session.name) != session.if_generation) return error(412, "precondition");
      if (retains && generation_at(session.name) != 0) return kept(session.name);
      session.result =
          wire::gcs::render(store(session.name, session.body, from_change(session.fields)));
      session.done = true;
      return json(session.result);
    }
    Answer answer{308, {}, {}};
    if (!session.body.empty()) {
      answer.headers.set("Range", "bytes=0-" + std::to_string(session.body.size() - 1));
    }
    return answer;
  }

  std::mutex mutex_;
  std::map<std::string, Session> sessions_;
  uint64_t generation_ = 1000;
  size_t rewrites_ = 0;
};

}  // namespace beringia::backend::gcs
