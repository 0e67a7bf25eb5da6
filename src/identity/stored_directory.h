#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "identity/access_token.h"
#include "identity/identity.h"
#include "identity/rows.h"
#include "identity/sealer.h"
#include "identity/verified_jwts.h"
#include "io/sync.h"
#include "kv/store.h"
#include "wire/rsa.h"

namespace beringia::identity {

/// Directory over kv: rows are the truth, everything is also held in memory.
///
/// `mutex_` guards the maps and is never held over a park; values are immutable and shared, so a
/// look-up copies one pointer. Changes take `changes_` (parks) from their checks to their commit.
class StoredDirectory final : public Directory {
 public:
  StoredDirectory(kv::Store& store, const Clock& clock, Rng& rng, DirectoryOptions options,
                  const Secret& token_key);
  /// Reads all rows. Once, before use.
  [[nodiscard]] Result<void> load(const io::Context& context);

  [[nodiscard]] Result<std::optional<AccessKey>> ensure_root(const io::Context& context,
                                                             std::optional<std::string> id,
                                                             std::optional<Secret> secret) override;
  [[nodiscard]] Result<void> put_principal(const io::Context& context,
                                           PrincipalRecord record) override;
  [[nodiscard]] Result<void> remove_principal(const io::Context& context,
                                              const std::string& name) override;
  [[nodiscard]] Result<std::vector<PrincipalRecord>> list_principals(
      const io::Context& context) override;
  [[nodiscard]] Result<AccessKey> create_access_key(const io::Context& context,
                                                    const std::string& principal) override;
  [[nodiscard]] Result<void> put_access_key(const io::Context& context, AccessKey key) override;
  [[nodiscard]] Result<CreatedServiceKey> create_service_key(const io::Context& context,
                                                             const std::string& principal,
                                                             const std::string& token_uri) override;
  [[nodiscard]] Result<void> disable_key(const io::Context& context,
                                         const std::string& id) override;
  [[nodiscard]] Result<void> enable_access_key(const io::Context& context,
                                               const std::string& id) override;
  [[nodiscard]] Result<void> remove_access_key(const io::Context& context,
                                               const std::string& id) override;
  [[nodiscard]] Result<std::vector<KeySummary>> list_keys(const io::Context& context) override;
  [[nodiscard]] Result<AccessKey> find_access_key(const io::Context& context,
                                                  const std::string& id) override;
  [[nodiscard]] Result<Principal> principal_of(const io::Context& context,
                                               const AccessKey& verified_key) override;
  [[nodiscard]] Result<Session> begin_session(const io::Context& context,
                                              const SessionRequest& request) override;
  [[nodiscard]] Result<Session> find_session(const io::Context& context, const std::string& id,
                                             std::string_view token) override;
  [[nodiscard]] Result<Principal> principal_of(const io::Context& context,
                                               const Session& verified) override;
  void set_identity_providers(std::vector<IdentityProvider> providers) override {
    web_identities_.set(std::move(providers));
  }
  [[nodiscard]] Result<WebPrincipal> verify_web_identity(const io::Context& context,
                                                         std::string_view token) override;
  bool may_assume(const Principal& who, const std::string& principal) const override;
  [[nodiscard]] Result<Principal> principal_named(const io::Context& context,
                                                  const std::string& name,
                                                  const std::string& credential) override;
  [[nodiscard]] Result<Token> exchange_jwt(const io::Context& context, const std::string& assertion,
                                           const std::vector<std::string>& audiences) override;
  [[nodiscard]] Result<Principal> verify_bearer(const io::Context& context,
                                                const std::string& token,
                                                const std::vector<std::string>& audiences) override;
  [[nodiscard]] Result<BearerFacts> examine_bearer(
      const io::Context& context, const std::string& token,
      const std::vector<std::string>& audiences) override;
  [[nodiscard]] Result<Token> issue_access_token(const io::Context& context,
                                                 const TokenRequest& request) override;
  [[nodiscard]] Result<void> revoke_token(const io::Context& context,
                                          const std::string& token) override;
  Duration token_lifetime() const override { return options_.token_lifetime; }
  std::string email_of(const std::string& principal) const override;
  std::string principal_of_email(const std::string& email) const override;
  [[nodiscard]] Result<Principal> verify_signed_text(const io::Context& context,
                                                     const std::string& client_email,
                                                     const std::string& text,
                                                     const std::string& signature) override;
  [[nodiscard]] Result<ServiceKey> managed_key(const io::Context& context,
                                               const std::string& principal) override;
  [[nodiscard]] Result<std::string> sign_with(const io::Context& context, const std::string& key_id,
                                              const std::string& text) override;
  [[nodiscard]] Result<std::vector<ServiceKey>> usable_keys(const io::Context& context,
                                                            const std::string& principal) override;
  Secret issue_pass(const Principal& holder, const std::string& thing) const override;
  [[nodiscard]] Result<Principal> verify_pass(const io::Context& context, const std::string& pass,
                                              const std::string& thing) override;

 private:
  struct HeldAccessKey {
    AccessKey key;
    bool first = false;
  };
  struct HeldServiceKey {
    ServiceKey key;
    wire::RsaPublicKey public_key;
    std::optional<wire::RsaPrivateKey> private_key;  // of a managed key
  };
  // Owners of the shared values: the maps here and look-ups that are under way.
  template <class T>
  using Table = std::unordered_map<std::string, std::shared_ptr<const T>>;

  template <class T>
  std::shared_ptr<const T> find(const Table<T>& table, const std::string& key) const;
  template <class T>
  void hold(Table<T>& table, const std::string& key, T value);

  [[nodiscard]] Result<void> load_principals(const io::Context& context);
  [[nodiscard]] Result<void> load_access_keys(const io::Context& context);
  [[nodiscard]] Result<void> load_service_keys(const io::Context& context);
  [[nodiscard]] Result<void> load_revoked(const io::Context& context);
  [[nodiscard]] Result<HeldServiceKey> parsed(ServiceKey key) const;
  std::shared_ptr<const HeldServiceKey> find_managed(const std::string& principal) const;

  [[nodiscard]] Result<void> commit(const io::Context& context, kv::Batch batch);
  [[nodiscard]] Result<void> check_room_for_key(const std::string& principal) const;
  [[nodiscard]] Result<void> store_access_key(const io::Context& context, const HeldAccessKey& held,
                                              kv::Batch batch);
  [[nodiscard]] Result<AccessKey> set_root_key(const io::Context& context, const std::string& id,
                                               const Secret& secret);
  AccessKey make_access_key(const std::string& principal, std::string_view prefix = "BR");
  std::string random_text(std::string_view alphabet, size_t length);
  /// "@INSTANCE.beringia.local"
  std::string domain() const { return "@" + options_.instance + ".beringia.local"; }

  /// The principal of a verified credential. @error kDenied: disabled or gone
  [[nodiscard]] Result<Principal> principal_for(const std::string& name,
                                                const std::string& credential) const;
  /// The key that a session was begun with still stands. @error kDenied
  [[nodiscard]] Result<void> check_source(const std::string& source) const;
  /// A service key that may be used. @error kDenied (invalid_token)
  [[nodiscard]] Result<std::shared_ptr<const HeldServiceKey>> usable_service_key(
      const std::string& id) const;
  /// The same for the key of a token by which somebody gets in: no managed one.
  [[nodiscard]] Result<std::shared_ptr<const HeldServiceKey>> usable_token_key(
      const std::string& id) const;
  [[nodiscard]] Result<BearerFacts> examine_self_signed(const std::string& token,
                                                        const std::vector<std::string>& audiences);
  [[nodiscard]] Result<BearerFacts> examine_issued(const std::string& token) const;
  [[nodiscard]] Result<BearerFacts> examine_any(const std::string& token,
                                                const std::vector<std::string>& audiences);
  /// The principal that an access token of these terms stands for. @error kDenied
  [[nodiscard]] Result<Principal> principal_behind(const IssuedToken& token) const;
  bool is_revoked(const std::string& token) const;

  kv::Store& store_;
  const Clock& clock_;
  Rng& rng_;
  const DirectoryOptions options_;
  const Sealer sealer_;
  const AccessTokens tokens_;
  VerifiedJwts verified_jwts_;
  WebIdentities web_identities_;
  io::Mutex changes_;
  mutable std::shared_mutex mutex_;
  Table<PrincipalRecord> principals_;
  Table<HeldAccessKey> access_keys_;
  Table<HeldServiceKey> service_keys_;
  std::unordered_map<std::string, std::string>
      managed_;                                         // principal -> id of its newest managed key
  std::unordered_map<std::string, Timestamp> revoked_;  // SHA-256 of a token -> its end
};

template <class T>
std::shared_ptr<const T> StoredDirectory::find(const Table<T>& table,
                                               const std::string& key) const {
  const std::shared_lock lock{mutex_};
  const auto found = table.find(key);
  return found == table.end() ? nullptr : found->second;
}

template <class T>
void StoredDirectory::hold(Table<T>& table, const std::string& key, T value) {
  auto shared = std::make_shared<const T>(std::move(value));
  const std::unique_lock lock{mutex_};
  table.insert_or_assign(key, std::move(shared));
}

}  // namespace beringia::identity
