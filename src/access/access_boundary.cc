#include "access/access_boundary.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "access/iam_policy.h"
#include "access/session_policy.h"
#include "wire/document.h"

namespace beringia::access {
namespace {

namespace cel = wire::cel;

constexpr std::string_view kResourcePrefix = "//storage.googleapis.com/projects/_/buckets/";
constexpr std::string_view kRolePrefix = "inRole:";
constexpr std::string_view kListPrefix = "storage.googleapis.com/objectListPrefix";
constexpr std::string_view kListPrefixVariable = "object_list_prefix_of_request";

Error wrong(std::string why) {
  return invalid("the access boundary is not valid", std::move(why)).with_tag("MalformedPolicy");
}

/// The variables of a condition; there are no others.
struct Variables {
  cel::Declarations known;
  size_t resource = 0, list_prefix = 0;

  static const Variables& get() {
    static const Variables kVariables = [] {
      Variables variables;
      variables.resource =
          variables.known.add("resource", cel::Type::map(cel::Type::string(), cel::Type::string()),
                              "name, type and service of what is asked for");
      variables.list_prefix =
          variables.known.add(std::string{kListPrefixVariable}, cel::Type::string(),
                              "api.getAttribute() of the prefix of a list");
      return variables;
    }();
    return kVariables;
  }
};

bool is_name_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Walks over a condition as its lexer will, as far as texts and names go.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_{text} {}
  bool at_end() const { return at_ >= text_.size(); }
  size_t at() const { return at_; }
  void skip_blanks() {
    while (!at_end() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  /// The sign is next, after blanks: takes it.
  bool take(char sign) {
    skip_blanks();
    if (at_end() || text_[at_] != sign) return false;
    ++at_;
    return true;
  }
  std::string_view name() {
    skip_blanks();
    const size_t first = at_;
    while (!at_end() && is_name_part(text_[at_])) ++at_;
    return text_.substr(first, at_ - first);
  }
  /// A text in quotes without escapes, which is all that names of attributes need.
  std::optional<std::string_view> quoted() {
    skip_blanks();
    if (at_end() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const size_t first = at_;
    skip_text();
    const std::string_view whole = text_.substr(first, at_ - first);
    if (whole.size() < 2 || whole.find('\\') != std::string_view::npos) return std::nullopt;
    return whole.substr(1, whole.size() - 2);
  }
  /// Over one text, one name, or one other character.
  void step() {
    const char c = text_[at_];
    if (c == '\'' || c == '"') {
      skip_text();
    } else if (is_name_part(c)) {
      name();
    } else {
      ++at_;
    }
  }

 private:
  void skip_text() {
    const char quote = text_[at_];
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    const bool is_raw = at_ > 0 && (text_[at_ - 1] == 'r' || text_[at_ - 1] == 'R');
    for (at_ += is_long ? 3 : 1; !at_end(); ++at_) {
      if (text_[at_] == '\\' && !is_raw) {
        ++at_;
      } else if (is_long ? text_.substr(at_).starts_with(three) : text_[at_] == quote) {
        at_ += is_long ? 3 : 1;
        return;
      }
    }
    at_ = std::min(at_, text_.size());
  }

  std::string_view text_;
  size_t at_ = 0;
};

/// Our CEL has no functions of its own for a service, so that the one call of Google's becomes a
/// variable. @error kInvalid: it asks for another attribute, or has another default
Result<std::string> without_attribute_calls(std::string_view expression) {
  std::string out;
  Cursor cursor{expression};
  char before = ' ';
  while (!cursor.at_end()) {
    const size_t first = cursor.at();
    Cursor call = cursor;
    const bool is_name = before != '.' && !is_name_part(before);
    if (is_name && expression.substr(first).starts_with("api") && call.name() == "api" &&
        call.take('.')) {
      const bool is_known = call.name() == "getAttribute" && call.take('(') &&
                            call.quoted() == kListPrefix && call.take(',') &&
                            call.quoted() == std::string_view{} && call.take(')');
      if (!is_known) {
        return std::unexpected(wrong("of \"api\" only api.getAttribute('" +
                                     std::string{kListPrefix} + "', '') is offered"));
      }
      out += kListPrefixVariable;
      cursor = call;
      before = ')';
      continue;
    }
    cursor.step();
    out += expression.substr(first, cursor.at() - first);
    before = expression[cursor.at() - 1];
  }
  return out;
}

}  // namespace

struct BoundaryText {
  std::string resource, expression;
  std::vector<std::string> permissions;
};

namespace {

Result<BoundaryText> read_text(const wire::Value& value) {
  wire::TableReader reader{value, "a rule of the access boundary"};
  BoundaryText text;
  text.resource = reader.required_text("availableResource");
  text.permissions = reader.texts("availablePermissions");
  const wire::Value* condition = reader.value("availabilityCondition");
  BR_TRY(reader.finish());
  if (condition == nullptr || condition->is(wire::Value::Kind::kNull)) return text;
  if (!condition->is(wire::Value::Kind::kTable)) {
    return std::unexpected(wrong("availabilityCondition is not an object"));
  }
  wire::TableReader inner{*condition, "availabilityCondition"};
  text.expression = inner.required_text("expression");
  inner.text("title");
  inner.text("description");
  inner.text("location");
  BR_TRY(inner.finish());
  return text;
}

}  // namespace

Result<AccessBoundary::Rule> AccessBoundary::read_rule(const BoundaryText& text) {
  Rule rule;
  if (!text.resource.starts_with(kResourcePrefix)) {
    return std::unexpected(
        wrong("availableResource is not \"" + std::string{kResourcePrefix} + "BUCKET\""));
  }
  rule.bucket = text.resource.substr(kResourcePrefix.size());
  if (rule.bucket.empty() || rule.bucket.find('/') != std::string::npos) {
    return std::unexpected(wrong("availableResource names no bucket"));
  }
  if (text.permissions.empty()) return std::unexpected(wrong("a rule has no availablePermissions"));
  for (const std::string& permission : text.permissions) {
    if (!permission.starts_with(kRolePrefix)) {
      return std::unexpected(
          wrong("availablePermissions are roles: \"inRole:roles/storage.objectViewer\""));
    }
    auto rights = rights_of_iam_role(std::string_view{permission}.substr(kRolePrefix.size()));
    if (!rights) return std::unexpected(wrong(rights.error().to_string()));
    rule.rights |= *rights;
  }
  if (!text.expression.empty()) {
    BR_TRY(expression, without_attribute_calls(text.expression));
    auto program = cel::Program::compile(expression, Variables::get().known);
    if (!program) return std::unexpected(wrong(program.error().to_string()));
    rule.conditions.push_back(std::move(*program));
  }
  return rule;
}

Result<AccessBoundary> AccessBoundary::parse(std::string_view json) {
  BR_TRY(root, wire::parse_json(json, kMaxSessionPolicyBytes, "an access boundary"));
  const wire::Value* boundary = root.find("accessBoundary");
  const wire::Value* rules = boundary == nullptr ? nullptr : boundary->find("accessBoundaryRules");
  if (rules == nullptr || !rules->is(wire::Value::Kind::kArray) || rules->items.empty() ||
      rules->items.size() > kMaxRules || root.members.size() != 1 ||
      boundary->members.size() != 1) {
    return std::unexpected(
        wrong("it is not {\"accessBoundary\": {\"accessBoundaryRules\": [1 to 10 rules]}}"));
  }
  AccessBoundary made;
  for (const wire::Value& item : rules->items) {
    BR_TRY(text, read_text(item));
    BR_TRY(rule, read_rule(text));
    made.rules_.push_back(std::move(rule));
  }
  return made;
}

bool AccessBoundary::names_every_bucket() const {
  return std::ranges::any_of(rules_, [](const Rule& rule) { return rule.bucket == "*"; });
}

bool AccessBoundary::holds(const Rule& rule, Right right, const Path& path, const Facts& facts) {
  if (rule.conditions.empty()) return true;
  const bool of_object = is_of_object(right);
  std::map<std::string, std::string> resource;
  resource["name"] = "projects/_/buckets/" + std::string{path.bucket()};
  if (of_object) resource["name"].append("/objects/").append(path.key());
  resource["type"] = of_object ? "storage.googleapis.com/Object" : "storage.googleapis.com/Bucket";
  resource["service"] = "storage.googleapis.com";
  const cel::StringMap resource_map{resource};
  std::vector<std::string> prefix;
  facts.find("s3:prefix", prefix);
  cel::Activation activation;
  activation.set(Variables::get().resource, cel::Value::map(resource_map));
  activation.set(Variables::get().list_prefix,
                 cel::Value::string(prefix.empty() ? std::string_view{} : prefix.front()));
  return rule.conditions.front().evaluate(activation).value_or(false);
}

bool AccessBoundary::allows(Right right, const Path& path, const Facts& facts) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.rights.test(static_cast<size_t>(right)) &&
           (rule.bucket == "*" || rule.bucket == path.bucket()) && holds(rule, right, path, facts);
  });
}

std::string policy_of_scopes(std::string_view scopes) {
  bool reads = false;
  while (!scopes.empty()) {
    const size_t blank = scopes.find(' ');
    const std::string_view scope = scopes.substr(0, blank);
    scopes.remove_prefix(blank == std::string_view::npos ? scopes.size() : blank + 1);
    if (scope.ends_with("/auth/devstorage.read_only") ||
        scope.ends_with("/auth/cloud-platform.read-only")) {
      reads = true;
    } else if (scope.find("/auth/devstorage.") != std::string_view::npos ||
               scope.ends_with("/auth/cloud-platform")) {
      return {};
    }
  }
  if (!reads) return {};
  return R"({"accessBoundary":{"accessBoundaryRules":[{"availableResource":)"
         R"("//storage.googleapis.com/projects/_/buckets/*","availablePermissions":)"
         R"(["inRole:roles/storage.objectViewer","inRole:roles/storage.legacyBucketReader"]}]}})";
}

}  // namespace beringia::access
