// What Google's clients sign with service keys besides tokens, and passes for one thing.
#include <algorithm>
#include <utility>

#include "identity/access_token.h"
#include "identity/stored_directory.h"

namespace beringia::identity {

std::string StoredDirectory::email_of(const std::string& principal) const {
  return principal.find('@') == std::string::npos ? principal + domain() : principal;
}

std::string StoredDirectory::principal_of_email(const std::string& email) const {
  const std::string end = domain();
  if (!email.ends_with(end) || email.size() == end.size()) return email;
  return email.substr(0, email.size() - end.size());
}

Result<Principal> StoredDirectory::verify_signed_text(const io::Context& /*context*/,
                                                      const std::string& client_email,
                                                      const std::string& text,
                                                      const std::string& signature) {
  std::vector<std::shared_ptr<const HeldServiceKey>> keys;  // owners: the table and this look-up
  {
    const std::shared_lock lock{mutex_};
    for (const auto& [id, held] : service_keys_) {
      if (!held->key.disabled && held->key.client_email == client_email) keys.push_back(held);
    }
  }
  std::ranges::sort(keys, [](const auto& one, const auto& other) {
    return one->key.created > other->key.created;
  });
  if (keys.size() > kMaxTriedKeys) keys.resize(kMaxTriedKeys);
  for (const auto& held : keys) {
    if (!held->public_key.verify(text, signature)) continue;
    auto principal = principal_for(held->key.principal, held->key.id);
    if (!principal) return std::unexpected(std::move(principal).error().with_tag("invalid_token"));
    return principal;
  }
  return std::unexpected(
      invalid_token("no usable key of " + client_email.substr(0, 128) + " made the signature"));
}

Secret StoredDirectory::issue_pass(const Principal& holder, const std::string& thing) const {
  return tokens_.issue_pass(holder.credential(), thing);
}

Result<Principal> StoredDirectory::verify_pass(const io::Context& context, const std::string& pass,
                                               const std::string& thing) {
  BR_TRY(credential, tokens_.verify_pass(pass, thing));
  if (find(service_keys_, credential)) {
    BR_TRY(held, usable_service_key(credential));
    return principal_for(held->key.principal, held->key.id);
  }
  auto key = find_access_key(context, credential);
  if (!key) return std::unexpected(invalid_token("the key behind it is not valid any more"));
  return principal_of(context, *key);
}

}  // namespace beringia::identity
