#include "protocol/s3/website.h"

#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "protocol/s3/error_map.h"
#include "protocol/s3/verbs.h"
#include "wire/website.h"

namespace beringia::protocol::s3 {
namespace {

constexpr const char* kRedirectHeader = "x-amz-website-redirect-location";

io::HttpResponse redirect(int status, std::string location) {
  io::HttpResponse response;
  response.status = status;
  response.headers.add("Location", std::move(location));
  return response;
}

/// Redirects need no right on a path; they are in the audit trail all the same.
io::HttpResponse recorded(Call& call, io::HttpResponse response) {
  call.rooms.gate.answer(call.context, call.door(), call.request.path, response.status, "website",
                         &*call.principal);
  call.is_recorded = true;
  return response;
}

io::HttpResponse redirect_by(const Call& call, const wire::WebsiteRedirect& rule,
                             std::string_view key_prefix, std::string_view key) {
  return redirect(rule.status, wire::location_of(rule, key_prefix, key, call.header("host"),
                                                 call.request.is_tls));
}

Result<std::shared_ptr<const wire::Website>> website_of(const Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(view, call.rooms.gate.look(path));
  if (!view || path.directories().size() != 1) {
    return std::unexpected(not_found("The specified bucket does not exist").with_tag("no_bucket"));
  }
  if (view->access->website) return view->access->website;
  return std::unexpected(not_found("The specified bucket does not have a website configuration")
                             .with_tag("NoSuchWebsiteConfiguration"));
}

/// As GetObject answers; the route's key is `key`.
Result<io::HttpResponse> read(Call& call, const std::string& key) {
  call.route.key = key;
  return call.request.method == "HEAD" ? head_object(call) : get_object(call);
}

/// Whether everyone may read an object that is there.
bool is_readable(const Call& call, const std::string& key) {
  auto path = call.object_path(call.route.bucket, key);
  if (!path || !call.rooms.gate.may(*call.principal, core::Action::kRead, *path, call.door())) {
    return false;
  }
  auto grant = call.admit_one(call.context, core::Action::kRead, *path);
  return grant && call.rooms.names.stat(call.context, *grant);
}

/// The error document in place of the error's own page, with the error's status.
Result<io::HttpResponse> error_document(Call& call, const wire::Website& website,
                                        const Error& error, int status) {
  // Conditions and ranges were of the page that is not there.
  for (const char* name :
       {"range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}) {
    call.request.headers.remove(name);
  }
  const std::string key = call.route.key;
  auto page = read(call, website.error);
  call.route.key = key;
  if (!page) return std::unexpected(error);
  const WireError wire = wire_error_of(error);
  page->status = status;
  page->headers.remove("Accept-Ranges");
  page->headers.add("x-amz-error-code", std::string{wire.code});
  page->headers.add("x-amz-error-message", message_of(error, wire));
  return page;
}

}  // namespace

Result<bool> find_website(Call& call) {
  const auto& domains = call.rooms.options.website_domains;
  if (domains.empty()) return false;
  std::string bucket = bucket_of_host(call.header("host"), domains);
  if (bucket.empty()) return false;
  call.is_website = true;
  call.route.bucket = std::move(bucket);
  call.route.bucket_in_host = true;
  call.route.verb = call.request.method == "HEAD" ? Verb::kHeadObject : Verb::kGetObject;
  call.principal = identity::Principal::anonymous();
  call.query = {};
  BR_TRY(key, key_of_path(call.request.path));
  call.route.key = std::move(key);
  return true;
}

Result<io::HttpResponse> serve_website(Call& call) {
  BR_TRY(website, website_of(call));
  if (call.request.method == "OPTIONS") {
    call.route.verb = Verb::kPreflight;
    return preflight(call);
  }
  if (call.request.method != "GET" && call.request.method != "HEAD") {
    return std::unexpected(unsupported("The specified method is not allowed against this resource.")
                               .with_tag("MethodNotAllowed"));
  }
  const std::string asked = call.route.key;
  if (website->redirect) return recorded(call, redirect_by(call, *website->redirect, "", asked));
  if (const auto* rule = wire::find_rule(*website, asked, 0)) {
    return recorded(call, redirect_by(call, rule->redirect, rule->key_prefix, asked));
  }
  const bool is_directory = asked.empty() || asked.ends_with('/');
  const bool has_index = !website->index.empty();  // GCS: there may be an error document only
  auto page = is_directory && !has_index
                  ? std::unexpected(not_found("The specified key does not exist."))
                  : read(call, is_directory ? asked + website->index : asked);
  if (page) {
    const auto to = page->headers.get(kRedirectHeader);
    return to ? redirect(301, std::string{*to}) : std::move(page);
  }
  const Error error = page.error();
  const int status = wire_error_of(error).status;
  if ((status == 404 || status == 403) && !is_directory && has_index &&
      is_readable(call, asked + "/" + website->index)) {
    return redirect(302, "/" + percent_encode(asked, true) + "/");
  }
  if (const auto* rule = wire::find_rule(*website, asked, status)) {
    return redirect_by(call, rule->redirect, rule->key_prefix, asked);
  }
  if (!website->error.empty() && status >= 400 && status < 500) {
    return error_document(call, *website, error, status);
  }
  return std::unexpected(error);
}

io::HttpResponse website_error_response(const Call& call, const Error& error) {
  const WireError wire = wire_error_of(error);
  io::HttpResponse response;
  response.status = wire.status;
  if (wire.status == 304) return response;
  const std::string message = message_of(error, wire);
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.headers.add("x-amz-error-code", std::string{wire.code});
  response.headers.add("x-amz-error-message", message);
  if (call.request.method == "HEAD") return response;
  const std::string title = std::to_string(wire.status) + " " + std::string{wire.code};
  std::string& html = response.text;
  html =
      "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n";
  const auto item = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    html.append("<li>").append(name).append(": ");
    wire::s3::append_xml_escaped(html, value);
    html += "</li>\n";
  };
  item("Code", wire.code);
  item("Message", message);
  item(call.route.key.empty() ? "BucketName" : "Key",
       call.route.key.empty() ? call.route.bucket : call.route.key);
  item("RequestId", call.context.trace_id());
  item("HostId", call.context.trace_id());
  html += "</ul>\n<hr/>\n</body>\n</html>\n";
  return response;
}

}  // namespace beringia::protocol::s3
