// Renames of directories in buckets with hierarchical namespace, against a small model of the
// folders of Google's reference. tests/gcs_backend/test_native_renames.py is the second opinion.

#include "backend/gcs/folders.h"

#include <gtest/gtest.h>

#include <set>

#include "backend/gcs/fake_service.h"
#include "backend/gcs/gcs_backend.h"

namespace beringia::backend::gcs {
namespace {

using Answer = std::optional<std::pair<int, std::string>>;
const std::string kRoot = "/storage/v1/b/bucket";

/// Folders and operations of the bucket; objects are the service's.
struct World {
  explicit World(std::string properties = R"({"hierarchicalNamespace": {"enabled": true}})")
      : bucket{std::move(properties)} {
    auto http = std::make_unique<FakeService>();
    service = http.get();
    service->other = [this](const FakeService::Request& request) { return answer(request); };
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    backend = std::make_unique<GcsBackend>(std::move(options), std::move(http),
                                           make_no_credentials(), rng);
    EXPECT_TRUE(backend->probe(context));
  }
  Result<CopyInfo> rename(const std::string& from, const std::string& to) {
    return backend->rename(context, {from, to, {}, {}});
  }
  void put(const std::string& name) {
    service->put(name, name);
    for (size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
      folders.insert(name.substr(0, at + 1));
    }
  }
  bool holds(const std::string& prefix) const {
    const auto below = [&](const auto& names, const auto& name_of) {
      return std::ranges::any_of(names, [&](const auto& one) {
        return name_of(one).starts_with(prefix) && name_of(one) != prefix;
      });
    };
    return below(service->objects, [](const auto& one) { return one.first; }) ||
           below(folders, [](const auto& one) { return one; });
  }
  Answer answer(const FakeService::Request& request) {
    const auto path = request.target.substr(0, request.target.find('?'));
    if (path == kRoot) return {{200, bucket}};
    if (path == kRoot + "/operations/op1") {
      if (looks_until_done-- > 0) return {{200, R"({"name": "x/operations/op1", "done": false})"}};
      if (!fails_with.empty()) {
        return {
            {200, R"({"name": "x/operations/op1", "done": true, "error": )" + fails_with + "}"}};
      }
      move();
      return {{200, R"({"name": "x/operations/op1", "done": true})"}};
    }
    if (path == kRoot + "/folders") return request.method == "POST" ? make(request) : list(request);
    if (!path.starts_with(kRoot + "/folders/")) return std::nullopt;
    auto name = path.substr(kRoot.size() + 9);
    const auto to = name.find("/renameTo/folders/");
    if (to != std::string::npos) {
      from_ = *percent_decode(name.substr(0, to));
      to_ = *percent_decode(name.substr(to + 18));
      if (!folders.contains(from_)) return {{404, "{}"}};
      if (folders.contains(to_)) return {{409, "{}"}};
      if (at_once) {
        move();
        return {{200, R"({"name": "x/operations/op1", "done": true})"}};
      }
      return {{200, R"({"name": "x/operations/op1"})"}};
    }
    name = *percent_decode(name);
    if (!folders.contains(name)) return {{404, "{}"}};
    if (request.method != "DELETE") return {{200, "{}"}};
    if (holds(name)) return {{409, "{}"}};
    folders.erase(name);
    return {{204, ""}};
  }
  Answer make(const FakeService::Request& request) {
    const auto begin = request.text.find(":\"") + 2;
    const auto name = request.text.substr(begin, request.text.rfind('"') - begin);
    return folders.insert(name).second ? Answer{{200, "{}"}} : Answer{{409, "{}"}};
  }
  Answer list(const FakeService::Request& request) const {
    const auto at = request.target.find("prefix=") + 7;
    const auto prefix = *percent_decode(request.target.substr(at));
    std::string items;
    for (const auto& folder : folders) {
      if (!folder.starts_with(prefix)) continue;
      items += (items.empty() ? "" : ",") + std::string{R"({"name": ")"} + folder + "\"}";
    }
    return {{200, R"({"items": [)" + items + "]}"}};
  }
  void move() {
    const auto moved = [&](const std::string& name) { return to_ + name.substr(from_.size()); };
    const auto objects = service->objects;
    for (const auto& [name, object] : objects) {
      if (!name.starts_with(from_)) continue;
      service->objects[moved(name)] = object;
      service->bytes[moved(name)] = service->bytes.at(name);
      service->objects.erase(name);
      service->bytes.erase(name);
    }
    const auto all = folders;
    for (const auto& folder : all) {
      if (!folder.starts_with(from_)) continue;
      folders.erase(folder);
      folders.insert(moved(folder));
    }
  }

  io::Context context;
  SeededRng rng{5};
  FakeService* service = nullptr;
  const std::string bucket;
  std::set<std::string> folders;
  int looks_until_done = 2;
  bool at_once = false;
  std::string fails_with;
  std::unique_ptr<GcsBackend> backend;

 private:
  std::string from_;
  std::string to_;
};

TEST(Folders, are_renamed_by_the_service_with_all_below_them) {
  for (const bool at_once : {false, true}) {
    World world;
    world.at_once = at_once;
    world.put("root/a/b/one");
    world.put("root/a/two");
    const auto renamed = world.rename("a/", "new/place/");
    ASSERT_TRUE(renamed) << renamed.error().to_string();
    EXPECT_TRUE(world.service->objects.contains("root/new/place/b/one"));
    EXPECT_TRUE(world.service->objects.contains("root/new/place/two"));
    EXPECT_EQ(world.service->objects.size(), 2u);
    EXPECT_TRUE(world.folders.contains("root/new/"));
    EXPECT_EQ(world.service->count("POST", "/rewriteTo/"), 0u);
  }
}

TEST(Folders, are_not_renamed_onto_something) {
  World world;
  world.put("root/a/one");
  world.put("root/b/c/two");
  EXPECT_EQ(world.rename("a/", "b/").error().code(), Code::kAlreadyExists);
  EXPECT_TRUE(world.service->objects.contains("root/b/c/two"));
  EXPECT_TRUE(world.service->objects.contains("root/a/one"));
}

TEST(Folders, replace_empty_ones) {
  World world;
  world.put("root/a/one");
  world.folders.insert({"root/b/", "root/b/c/", "root/b/c/d/"});
  ASSERT_TRUE(world.rename("a/", "b/"));
  EXPECT_TRUE(world.service->objects.contains("root/b/one"));
  EXPECT_FALSE(world.folders.contains("root/b/c/"));
}

TEST(Folders, that_are_not_there_are_told) {
  World world;
  EXPECT_EQ(world.rename("a/", "b/").error().code(), Code::kNotFound);
  EXPECT_EQ(world.rename("a/", "a/").error().code(), Code::kNotFound);
  world.put("root/a/one");
  EXPECT_TRUE(world.rename("a/", "a/"));
}

TEST(Folders, a_lost_answer_after_success_is_success) {
  World world;
  world.put("root/a/one");
  world.at_once = true;
  bool lost = false;
  world.service->fault = [&](const FakeService::Request& request, size_t) -> Fault {
    if (lost || request.target.find("/renameTo/") == std::string::npos) return {};
    lost = true;
    return {Fault::Kind::kDropAfter};
  };
  const auto renamed = world.rename("a/", "b/");
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_TRUE(lost);
  EXPECT_TRUE(world.service->objects.contains("root/b/one"));
}

TEST(Folders, an_operation_that_fails_is_an_error) {
  World world;
  world.put("root/a/one");
  world.fails_with = R"({"code": 14, "message": "try later"})";
  const auto failed = world.rename("a/", "b/");
  EXPECT_EQ(failed.error().code(), Code::kUnavailable);
  EXPECT_NE(failed.error().to_string().find("try later"), std::string::npos);
  EXPECT_TRUE(world.service->objects.contains("root/a/one"));
}

TEST(Folders, of_flat_buckets_are_not_renamed) {
  World world{R"({"location": "EU"})"};
  world.put("root/a/one");
  EXPECT_FALSE(world.backend->capabilities().renames_directories);
  EXPECT_EQ(world.rename("a/", "b/").error().code(), Code::kUnsupported);
  EXPECT_TRUE(world.service->objects.contains("root/a/one"));
}

}  // namespace
}  // namespace beringia::backend::gcs
