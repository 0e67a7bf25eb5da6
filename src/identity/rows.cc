#include "identity/rows.h"

#include <utility>

#include "base/encoding.h"

namespace beringia::identity {
namespace {

constexpr char kVersion = 1;
constexpr uint64_t kDisabled = 1;  // bits of the flags field
constexpr uint64_t kFirst = 2;
constexpr uint64_t kManaged = 4;

void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

/// Reads what append_text and append_varint wrote; `ok()` is false after any damage.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_{bytes} {
    if (rest_.empty() || rest_.front() != kVersion) {
      failed_ = true;
    } else {
      rest_.remove_prefix(1);
    }
  }
  uint64_t number() {
    if (failed_) return 0;
    const auto value = read_varint(rest_);
    failed_ = !value;
    return value.value_or(0);
  }
  std::string text() {
    const uint64_t size = number();
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    std::string text{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return text;
  }
  bool ok() const { return !failed_ && rest_.empty(); }
  bool failed() const { return failed_; }
  bool at_end() const { return failed_ || rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

Error damaged(std::string what) {
  return corrupt(std::move(what), "the row cannot be decoded",
                 "restore the catalog from a backup, or apply the estate file again");
}

}  // namespace

std::string row_key(std::string_view table, std::string_view name) {
  return std::string{table}.append(name);
}

std::string table_end(std::string_view table) {
  std::string end{table};
  ++end.back();  // table letters are far from 0xff
  return end;
}

std::string encode(const PrincipalRecord& record) {
  std::string out(1, kVersion);
  append_varint(out, record.disabled ? kDisabled : 0);
  append_varint(out, record.groups.size());
  for (const std::string& group : record.groups) append_text(out, group);
  if (record.assumable_by.empty()) return out;
  append_varint(out, record.assumable_by.size());
  for (const std::string& name : record.assumable_by) append_text(out, name);
  return out;
}

Result<PrincipalRecord> decode_principal(std::string_view name, std::string_view bytes) {
  Reader reader{bytes};
  PrincipalRecord record;
  record.name = name;
  record.disabled = (reader.number() & kDisabled) != 0;
  const uint64_t groups = reader.number();
  for (uint64_t i = 0; i < groups && !reader.failed(); ++i) record.groups.push_back(reader.text());
  const uint64_t assumers = reader.at_end() ? 0 : reader.number();
  for (uint64_t i = 0; i < assumers && !reader.failed(); ++i) {
    record.assumable_by.push_back(reader.text());
  }
  if (!reader.ok()) return std::unexpected(damaged("reading principal " + record.name));
  return record;
}

std::string encode(const AccessKeyRow& row) {
  std::string out(1, kVersion);
  append_varint(out, (row.disabled ? kDisabled : 0) | (row.first ? kFirst : 0));
  append_text(out, row.principal);
  append_text(out, row.sealed_secret);
  append_varint(out, static_cast<uint64_t>(row.created.micros));
  return out;
}

Result<AccessKeyRow> decode_access_key(std::string_view bytes) {
  Reader reader{bytes};
  AccessKeyRow row;
  const uint64_t flags = reader.number();
  row.disabled = (flags & kDisabled) != 0;
  row.first = (flags & kFirst) != 0;
  row.principal = reader.text();
  row.sealed_secret = reader.text();
  row.created = Timestamp{static_cast<int64_t>(reader.number())};
  if (!reader.ok()) return std::unexpected(damaged("reading an access key"));
  return row;
}

std::string encode(const ServiceKey& key) {
  std::string out(1, kVersion);
  append_varint(out, (key.disabled ? kDisabled : 0) | (key.sealed_private.empty() ? 0 : kManaged));
  append_text(out, key.principal);
  append_text(out, key.client_email);
  append_text(out, key.public_key_pem);
  append_varint(out, static_cast<uint64_t>(key.created.micros));
  if (!key.sealed_private.empty()) append_text(out, key.sealed_private);
  return out;
}

Result<ServiceKey> decode_service_key(std::string_view id, std::string_view bytes) {
  Reader reader{bytes};
  ServiceKey key;
  key.id = id;
  const uint64_t flags = reader.number();
  key.disabled = (flags & kDisabled) != 0;
  key.principal = reader.text();
  key.client_email = reader.text();
  key.public_key_pem = reader.text();
  key.created = Timestamp{static_cast<int64_t>(reader.number())};
  if ((flags & kManaged) != 0) key.sealed_private = reader.text();
  if (!reader.ok()) return std::unexpected(damaged("reading service-account key " + key.id));
  return key;
}

std::string encode(const SessionToken& token) {
  std::string out(1, kVersion);
  append_text(out, token.principal);
  append_text(out, token.source);
  append_text(out, token.name);
  append_text(out, token.policy);
  append_text(out, token.secret);
  append_varint(out, static_cast<uint64_t>(token.expires.micros));
  return out;
}

Result<SessionToken> decode_session_token(std::string_view bytes) {
  Reader reader{bytes};
  SessionToken token;
  token.principal = reader.text();
  token.source = reader.text();
  token.name = reader.text();
  token.policy = reader.text();
  token.secret = reader.text();
  token.expires = Timestamp{static_cast<int64_t>(reader.number())};
  if (!reader.ok()) return std::unexpected(damaged("reading a session token"));
  return token;
}

std::string encode(const IssuedToken& token) {
  std::string out(1, kVersion);
  append_text(out, token.principal);
  append_text(out, token.source);
  append_text(out, token.actor);
  append_text(out, token.scope);
  append_text(out, token.policy);
  append_varint(out, static_cast<uint64_t>(token.expires.micros));
  return out;
}

Result<IssuedToken> decode_issued_token(std::string_view bytes) {
  Reader reader{bytes};
  IssuedToken token;
  token.principal = reader.text();
  token.source = reader.text();
  token.actor = reader.text();
  token.scope = reader.text();
  token.policy = reader.text();
  token.expires = Timestamp{static_cast<int64_t>(reader.number())};
  if (!reader.ok()) return std::unexpected(damaged("reading an access token"));
  return token;
}

std::string encode_revoked(Timestamp expires) {
  std::string out(1, kVersion);
  append_varint(out, static_cast<uint64_t>(expires.micros));
  return out;
}

Result<Timestamp> decode_revoked(std::string_view bytes) {
  Reader reader{bytes};
  const Timestamp expires{static_cast<int64_t>(reader.number())};
  if (!reader.ok()) return std::unexpected(damaged("reading a revoked token"));
  return expires;
}

}  // namespace beringia::identity
