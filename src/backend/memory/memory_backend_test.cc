#include "backend/memory/memory_backend.h"

#include "backend/backend_behaviour.h"

namespace beringia::backend::memory {
namespace {

class MemoryFixture final : public BackendFixture {
 public:
  Backend& backend() override { return backend_; }

 private:
  MemoryBackend backend_;
};

INSTANTIATE_TEST_SUITE_P(Memory, BackendBehaviour,
                         testing::Values(BehaviourParameter{
                             "memory", [] { return std::make_unique<MemoryFixture>(); }}),
                         behaviour_name);

}  // namespace
}  // namespace beringia::backend::memory
