#include "protocol/gcs/glob.h"

#include <algorithm>
#include <utility>

namespace beringia::protocol::gcs {
namespace {

Error bad_glob(const char* why) { return invalid("Invalid value for parameter matchGlob", why); }

/// Position of the '}' that closes the '{' at `open`, and the commas between at its level.
struct Braces {
  size_t close = std::string_view::npos;
  std::vector<size_t> commas;
};
Braces find_braces(std::string_view pattern, size_t open) {
  Braces braces;
  int depth = 0;
  for (size_t i = open; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '{') {
      ++depth;
    } else if (pattern[i] == ',' && depth == 1) {
      braces.commas.push_back(i);
    } else if (pattern[i] == '}' && --depth == 0) {
      braces.close = i;
      return braces;
    }
  }
  return braces;
}

size_t first_brace(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '{') {
      return i;
    }
  }
  return std::string_view::npos;
}

/// Replaces alternatives until none is left; breadth first, bounded.
Result<std::vector<std::string>> expand(std::string_view pattern) {
  std::vector<std::string> waiting{std::string{pattern}};
  std::vector<std::string> done;
  while (!waiting.empty()) {
    const std::string text = std::move(waiting.back());
    waiting.pop_back();
    const size_t open = first_brace(text);
    if (open == std::string::npos) {
      done.push_back(text);
    } else {
      Braces braces = find_braces(text, open);
      if (braces.close == std::string::npos) return std::unexpected(bad_glob("a { is not closed"));
      size_t from = open + 1;
      braces.commas.push_back(braces.close);
      for (const size_t comma : braces.commas) {
        waiting.push_back(text.substr(0, open) + text.substr(from, comma - from) +
                          text.substr(braces.close + 1));
        from = comma + 1;
      }
    }
    if (waiting.size() + done.size() > Glob::kMaxAlternatives) {
      return std::unexpected(bad_glob("it has too many alternatives"));
    }
  }
  return done;
}

/// "**/" at the beginning of a component also stands for no directory at all: "**/a" is "a", too.
Result<std::vector<std::string>> without_directories(std::vector<std::string> patterns) {
  constexpr std::string_view kDirectories = "**/";
  for (size_t i = 0; i < patterns.size(); ++i) {
    size_t at = 0;
    while ((at = patterns[i].find(kDirectories, at)) != std::string::npos) {
      if (at == 0 || patterns[i][at - 1] == '/') {
        std::string shorter = patterns[i];
        shorter.erase(at, kDirectories.size());
        if (std::ranges::find(patterns, shorter) == patterns.end()) patterns.push_back(shorter);
        if (patterns.size() > Glob::kMaxAlternatives) {
          return std::unexpected(bad_glob("it has too many alternatives"));
        }
      }
      at += kDirectories.size();
    }
  }
  return patterns;
}

}  // namespace

bool Glob::Token::accepts(char c) const {
  switch (kind) {
    case Kind::kByte: return c == byte;
    case Kind::kAny:
    case Kind::kStar: return c != '/';
    case Kind::kDoubleStar: return true;
    case Kind::kSet: {
      const bool inside =
          std::ranges::any_of(ranges, [&](const auto& r) { return r.first <= c && c <= r.second; });
      return c != '/' && inside != negated;
    }
  }
  return false;
}

Result<Glob::Tokens> Glob::tokenize(std::string_view pattern) {
  Tokens tokens;
  for (size_t i = 0; i < pattern.size(); ++i) {
    Token token;
    const char c = pattern[i];
    if (c == '*') {
      const bool twice = i + 1 < pattern.size() && pattern[i + 1] == '*';
      token.kind = twice ? Token::Kind::kDoubleStar : Token::Kind::kStar;
      while (i + 1 < pattern.size() && pattern[i + 1] == '*') ++i;
    } else if (c == '?') {
      token.kind = Token::Kind::kAny;
    } else if (c == '[') {
      token.kind = Token::Kind::kSet;
      const size_t close = pattern.find(']', i + 2);
      if (close == std::string_view::npos) return std::unexpected(bad_glob("a [ is not closed"));
      std::string_view set = pattern.substr(i + 1, close - i - 1);
      if (set.starts_with('!') || set.starts_with('^')) {
        token.negated = true;
        set.remove_prefix(1);
      }
      for (size_t k = 0; k < set.size(); ++k) {
        const bool range = k + 2 < set.size() && set[k + 1] == '-';
        token.ranges.emplace_back(set[k], range ? set[k + 2] : set[k]);
        if (range) k += 2;
      }
      i = close;
    } else {
      if (c == '\\' && i + 1 < pattern.size()) ++i;
      token.byte = pattern[i];
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// All reachable pattern positions at once, so that no pattern makes it slow.
bool Glob::match(const Tokens& tokens, std::string_view name) {
  const auto is_star = [](const Token& token) {
    return token.kind == Token::Kind::kStar || token.kind == Token::Kind::kDoubleStar;
  };
  std::vector<bool> at(tokens.size() + 1, false);
  std::vector<bool> next(tokens.size() + 1, false);
  auto skip_stars = [&](std::vector<bool>& positions) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (positions[i] && is_star(tokens[i])) positions[i + 1] = true;
    }
  };
  at[0] = true;
  skip_stars(at);
  for (const char c : name) {
    std::fill(next.begin(), next.end(), false);
    bool any = false;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (!at[i] || !tokens[i].accepts(c)) continue;
      next[is_star(tokens[i]) ? i : i + 1] = true;
      any = true;
    }
    if (!any) return false;
    skip_stars(next);
    at.swap(next);
  }
  return at[tokens.size()];
}

Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  if (pattern.empty()) return glob;
  if (pattern.size() > kMaxBytes) return std::unexpected(bad_glob("it is too long"));
  const size_t special = std::min(pattern.find_first_of("*?[{\\"), pattern.size());
  glob.literal_prefix_ = pattern.substr(0, special);
  BR_TRY(expanded, expand(pattern));
  BR_TRY(alternatives, without_directories(std::move(expanded)));
  for (const std::string& alternative : alternatives) {
    BR_TRY(tokens, tokenize(alternative));
    glob.alternatives_.push_back(std::move(tokens));
  }
  return glob;
}

bool Glob::matches(std::string_view name) const {
  return std::ranges::any_of(alternatives_,
                             [&](const Tokens& tokens) { return match(tokens, name); });
}

}  // namespace beringia::protocol::gcs
