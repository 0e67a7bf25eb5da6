#include <map>
#include <memory>

#include "base/json_writer.h"
#include "wire/gcsjson.h"
#include "wire/json_reader.h"

namespace beringia::wire::gcs {

namespace {

namespace dom = simdjson::dom;

/// A partial-response selector as a tree: "items(name,size)" = {items: {name, size}}. A node
/// without children selects all below it. "*" stands for any member.
struct Selector {
  std::map<std::string, std::unique_ptr<Selector>, std::less<>> children;

  const Selector* find(std::string_view name) const {
    auto hit = children.find(name);
    if (hit == children.end()) hit = children.find("*");
    return hit == children.end() ? nullptr : hit->second.get();
  }
};

constexpr size_t kMaxSelectorBytes = 4096;
constexpr int kMaxSelectorDepth = 16;

class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_{text} {}

  Result<std::unique_ptr<Selector>> parse() {
    auto root = std::make_unique<Selector>();
    if (text_.size() > kMaxSelectorBytes) return std::unexpected(bad("it is too long"));
    BR_TRY(parse_list(*root, 0));
    if (!text_.empty()) return std::unexpected(bad("a parenthesis does not match"));
    return root;
  }

 private:
  static Error bad(std::string why) { return invalid("cannot read \"fields\"", std::move(why)); }

  Result<void> parse_list(Selector& node, int depth) {
    if (depth > kMaxSelectorDepth) return std::unexpected(bad("it nests too deep"));
    while (true) {
      BR_TRY(parse_path(node, depth));
      if (text_.empty() || text_.front() != ',') return {};
      text_.remove_prefix(1);
    }
  }

  Result<void> parse_path(Selector& start, int depth) {
    Selector* node = &start;
    while (true) {
      while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
      auto end = text_.find_first_of(",/()");
      std::string name{text_.substr(0, end)};
      while (!name.empty() && name.back() == ' ') name.pop_back();
      if (name.empty()) return std::unexpected(bad("a name is missing"));
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end);
      auto& child = node->children[name];
      if (!child) child = std::make_unique<Selector>();
      node = child.get();
      if (text_.empty() || text_.front() == ',' || text_.front() == ')') return {};
      if (text_.front() == '/') {
        if (++depth > kMaxSelectorDepth) return std::unexpected(bad("it nests too deep"));
        text_.remove_prefix(1);
        continue;
      }
      text_.remove_prefix(1);
      BR_TRY(parse_list(*node, depth + 1));
      if (text_.empty() || text_.front() != ')') {
        return std::unexpected(bad("a parenthesis does not match"));
      }
      text_.remove_prefix(1);
      return {};
    }
  }

  std::string_view text_;
};

/// Recursion is bounded by kMaxJsonDepth, which the parse has enforced.
void copy(JsonWriter& out, dom::element element, const Selector* selector) {
  const bool all = selector == nullptr || selector->children.empty();
  dom::object object;
  dom::array array;
  if (element.get(object) == simdjson::SUCCESS) {
    out.begin_object();
    for (auto [key, value] : object) {
      const Selector* child = all ? nullptr : selector->find(key);
      if (!all && child == nullptr) continue;
      out.key(key);
      copy(out, value, child);
    }
    out.end_object();
  } else if (element.get(array) == simdjson::SUCCESS) {
    out.begin_array();
    for (dom::element item : array) copy(out, item, selector);
    out.end_array();
  } else if (std::string_view text; element.get(text) == simdjson::SUCCESS) {
    out.value(text);
  } else {
    out.raw(simdjson::minify(element));
  }
}

}  // namespace

Result<std::string> select_fields(std::string_view json, std::string_view fields) {
  if (fields.empty() || fields == "*") return std::string{json};
  BR_TRY(selector, SelectorParser{fields}.parse());
  BR_TRY(document, JsonDocument::parse(json, kMaxAnswerBytes, "an answer"));
  JsonWriter out;
  out.begin_object();
  for (auto [key, value] : document.root()) {
    const Selector* child = selector->find(key);
    if (child == nullptr) continue;
    out.key(key);
    copy(out, value, child);
  }
  out.end_object();
  return out.take();
}

}  // namespace beringia::wire::gcs
