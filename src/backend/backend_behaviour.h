#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "base/checksum.h"

namespace beringia::backend {

/// A backend under test and all that it stands on. Owned by the test.
class BackendFixture {
 public:
  virtual ~BackendFixture() = default;
  virtual Backend& backend() = 0;
};

struct BehaviourParameter {
  std::string name;
  std::function<std::unique_ptr<BackendFixture>()> make;
};

/// What every backend promises (backend.h). The cases are in
/// backend_behaviour_test.cc; each implementation's test runs them:
///   INSTANTIATE_TEST_SUITE_P(Memory, BackendBehaviour, testing::Values(...), behaviour_name);
class BackendBehaviour : public testing::TestWithParam<BehaviourParameter> {
 protected:
  void SetUp() override { fixture_ = GetParam().make(); }

  Backend& backend() { return fixture_->backend(); }

  Result<CopyInfo> put(const std::string& name, const std::string& bytes,
                       Expectation expectation = {}, Attributes attributes = {}) {
    io::StringSource body{bytes};
    WriteRequest request;
    request.name = name;
    request.body = &body;
    request.size = bytes.size();
    request.expectation = std::move(expectation);
    request.seal = [&]() -> Result<Seal> {
      return Seal{bytes.size(), Crc32c::of(bytes), md5(bytes), "text/plain", attributes, {}};
    };
    return backend().write(context_, request);
  }

  Result<std::string> get(const std::string& name, std::optional<Version> version = {}) {
    BR_TRY(info, backend().stat(context_, {name}));
    return get_range(name, {0, info.size}, std::move(version));
  }

  Result<std::string> get_range(const std::string& name, io::ByteRange range,
                                std::optional<Version> version = {}) {
    BR_TRY(source, backend().read(context_, {name, range, std::move(version)}));
    return io::read_all(context_, *source, 64 << 20);
  }

  struct Listing {
    std::vector<std::string> items;
    std::vector<std::string> directories;
    bool operator==(const Listing&) const = default;
  };
  Listing list(const std::string& prefix, bool by_directory, size_t page_size = 1000,
               const std::string& start_after = {}) {
    Listing all;
    ListRequest request{prefix, start_after, by_directory, page_size, {}};
    for (int page_number = 0; page_number < 1000; ++page_number) {
      auto page = backend().list(context_, request);
      EXPECT_TRUE(page) << page.error().to_string();
      if (!page) return all;
      EXPECT_LE(page->items.size() + page->directories.size(), page_size);
      for (auto& item : page->items) all.items.push_back(std::move(item.name));
      for (auto& directory : page->directories) all.directories.push_back(std::move(directory));
      if (page->next_page_token.empty()) return all;
      request.page_token = page->next_page_token;
    }
    ADD_FAILURE() << "the listing does not end";
    return all;
  }

  template <class T>
  static Code code_of(const Result<T>& result) {
    return result ? Code::kInternal : result.error().code();
  }

  const io::Context context_;
  std::unique_ptr<BackendFixture> fixture_;
};

inline std::string behaviour_name(const testing::TestParamInfo<BehaviourParameter>& info) {
  return info.param.name;
}

}  // namespace beringia::backend
