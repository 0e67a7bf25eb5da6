#include "kv/store_conformance.h"

#include <unistd.h>

#include <filesystem>

#include "kv/test_disk.h"

namespace beringia::kv {
namespace {

std::string rocksdb_directory() {
  return testing::TempDir() + "beringia_kv_conformance_" + std::to_string(::getpid());
}

StoreMaker rocksdb_maker() {
  return {"rocksdb", [] { return open_rocksdb({.directory = rocksdb_directory()}); },
          [] { std::filesystem::remove_all(rocksdb_directory()); }};
}

StoreMaker memory_maker() {
  return {"memory", [] { return open_memory(); }, [] {}, false};
}

StoreMaker memory_on_disk_maker() {
  static std::unique_ptr<TestDisk> disk;
  return {"memory_on_disk", [] { return open_memory(disk.get(), "/catalog"); },
          [] { disk = std::make_unique<TestDisk>(); }};
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreConformance,
                         testing::Values(rocksdb_maker(), memory_maker(), memory_on_disk_maker()),
                         [](const auto& instance) { return instance.param.name; });

class RemoveAtEnd final : public testing::Environment {
 public:
  void TearDown() override { std::filesystem::remove_all(rocksdb_directory()); }
};
[[maybe_unused]] const auto* const kRemoveAtEnd =
    testing::AddGlobalTestEnvironment(new RemoveAtEnd);

}  // namespace
}  // namespace beringia::kv
