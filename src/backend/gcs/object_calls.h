#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/gcs/api_client.h"
#include "backend/gcs/location.h"
#include "backend/gcs/native_object.h"

namespace beringia::backend::gcs {

/// Generation 0 in a precondition: the object must be absent.
inline constexpr uint64_t kAbsentGeneration = 0;

struct RewriteCall {
  std::string from;
  uint64_t from_generation = 0;
  std::string to;
  uint64_t if_generation = 0;      ///< of `to`; kAbsentGeneration = must not exist
  wire::gcs::ObjectChange fields;  ///< all of the result's fields, with `upload_id` among them
  std::string upload_id;
};

struct ComposeCall {
  std::string to;
  std::vector<std::pair<std::string, uint64_t>> sources;  ///< name, generation; 1..32
  uint64_t if_generation = 0;
  wire::gcs::ObjectChange fields;  ///< as for RewriteCall
  std::string upload_id;
};

/// The single calls on objects of one location, each with its precondition, its retries and the
/// recognition of its own lost answers. Names are relative to the location. Thread-safe.
class ObjectCalls {
 public:
  ObjectCalls(const ApiClient& api, const Location& location) : api_{api}, at_{location} {}

  const ApiClient& api() const { return api_; }
  const Location& at() const { return at_; }

  /// @error kNotFound
  [[nodiscard]] Result<wire::gcs::ObjectResource> get(const io::Context& context,
                                                      const std::string& name) const;
  /// The generation that a write under `expectation` must match: kAny looks first, so that no write
  /// is ever blind. @error kConflict: a version that is no generation
  [[nodiscard]] Result<uint64_t> generation_to_match(const io::Context& context,
                                                     const std::string& name,
                                                     const Expectation& expectation) const;
  /// @error kNotFound; kConflict: another generation is there
  [[nodiscard]] Result<void> remove(const io::Context& context, const std::string& name,
                                    uint64_t generation) const;
  /// Copies within the service. @error kNotFound: no source; kConflict
  [[nodiscard]] Result<wire::gcs::ObjectResource> rewrite(const io::Context& context,
                                                          const RewriteCall& call) const;
  /// @error kNotFound: a source is missing; kConflict
  [[nodiscard]] Result<wire::gcs::ObjectResource> compose(const io::Context& context,
                                                          const ComposeCall& call) const;
  /// Patches the object that `current` is. @error kConflict: it changed since
  [[nodiscard]] Result<wire::gcs::ObjectResource> patch(
      const io::Context& context, const std::string& name, const wire::gcs::ObjectResource& current,
      const wire::gcs::ObjectChange& change) const;
  [[nodiscard]] Result<wire::gcs::ObjectList> list(const io::Context& context,
                                                   const Query& query) const;

  /// Reads the object an accepted write answered with; falls back to a look if the answer cannot be
  /// read.
  [[nodiscard]] Result<wire::gcs::ObjectResource> result_of(const io::Context& context,
                                                            const ApiAnswer& answer,
                                                            const std::string& name) const;
  /// After a refused write of which an earlier attempt may have been applied: the object, if it is
  /// the one that `upload_id` wrote, else the refusal.
  [[nodiscard]] Result<wire::gcs::ObjectResource> confirm(const io::Context& context,
                                                          const std::string& name,
                                                          const std::string& upload_id,
                                                          const ApiAnswer& refusal,
                                                          const std::string& what) const;
  std::string new_upload_id() const;

 private:
  const ApiClient& api_;
  const Location& at_;
};

/// As error_of(), for calls in which a 404 can only mean that the bucket is missing.
Error bucket_error_of(const ApiAnswer& answer, const std::string& what);

}  // namespace beringia::backend::gcs
