// The behaviour that every backend promises, on the GCS backend: against the scripted service of
// this folder, and against an emulator when BERINGIA_GCS_EMULATOR names one (see
// gcs_emulator_test.cc).

#include <cstdlib>

#include "backend/backend_behaviour.h"
#include "backend/gcs/fake_service.h"
#include "backend/gcs/gcs_backend.h"
#include "backend/gcs/make_gcs.h"

namespace beringia::backend::gcs {
namespace {

/// Small, so that the suite's larger bodies go out in chunks.
constexpr size_t kTestChunk = 256 << 10;

class FakeServiceFixture final : public BackendFixture {
 public:
  FakeServiceFixture() {
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    options.upload.chunk_bytes = kTestChunk;
    backend_ = std::make_unique<GcsBackend>(std::move(options), std::make_unique<FakeService>(),
                                            make_no_credentials(), rng_);
  }
  Backend& backend() override { return *backend_; }

 private:
  SeededRng rng_{7};
  std::unique_ptr<Backend> backend_;
};

std::string environment(const char* name, std::string fallback) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? std::move(fallback) : std::string{value};
}

/// A fresh prefix in the emulator's bucket for each test.
class EmulatorFixture final : public BackendFixture {
 public:
  EmulatorFixture() {
    GcsSpec spec;
    spec.url =
        "gs://" + environment("BERINGIA_GCS_BUCKET", "beringia-test") + "/" + random_hex(rng_, 6);
    spec.endpoint = environment("BERINGIA_GCS_EMULATOR", "");
    spec.credentials = environment("BERINGIA_GCS_CREDENTIALS", "none");
    spec.retry.initial_delay = std::chrono::milliseconds{2};
    spec.retry.max_attempts = 12;
    spec.upload.chunk_bytes = kTestChunk;
    backend_ = make(spec, rng_).value();
  }
  Backend& backend() override { return *backend_; }

 private:
  SystemRng rng_;
  std::unique_ptr<Backend> backend_;
};

std::vector<BehaviourParameter> implementations() {
  std::vector<BehaviourParameter> all{
      {"fake_service", [] { return std::make_unique<FakeServiceFixture>(); }}};
  if (!environment("BERINGIA_GCS_EMULATOR", "").empty()) {
    all.push_back({"emulator", [] { return std::make_unique<EmulatorFixture>(); }});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Gcs, BackendBehaviour, testing::ValuesIn(implementations()),
                         behaviour_name);

}  // namespace
}  // namespace beringia::backend::gcs
