#pragma once

#include <string>

#include "base/error.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

struct IdTokenTerms {
  std::string issuer;     // our address, below which verifiers find our keys
  std::string principal;  // who it is about
  std::string audience;   // whom it is for
  bool with_email = true;
};
/// A token of OpenID Connect, signed by this instance's key, good for an hour. It opens no door
/// here. @error kInvalid: no audience, or too long a one
[[nodiscard]] Result<std::string> make_id_token(const io::Context& context,
                                                identity::Directory& directory, Timestamp now,
                                                const IdTokenTerms& terms);

/// "header.payload.signature" by a managed key. @param payload  a JSON object
[[nodiscard]] Result<std::string> signed_jwt(const io::Context& context,
                                             identity::Directory& directory,
                                             const identity::ServiceKey& key,
                                             const std::string& payload);

}  // namespace beringia::protocol::gcs
