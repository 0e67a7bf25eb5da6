#include "simulation/sequence.h"

#include <algorithm>
#include <cstdio>

#include "simulation/content.h"

namespace beringia::simulation {

using core::Action;
using core::test::World;
using core::test::WorldOptions;

namespace {

constexpr int kLives = 4;
constexpr int kCallsPerLife = 25;
constexpr const char* kBuckets[] = {"/x/", "/u/", "/r/"};

/// Drops the value: what is compared is the state afterwards.
template <class T>
Result<void> outcome(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

Sequence::Sequence(uint64_t seed, bool verbose)
    : seed_{seed},
      verbose_{verbose},
      rng_{seed ^ 0x5e9},
      runtime_{io::Runtime::make_simulated(seed)},
      world_{std::make_unique<World>(world_options(), runtime_.get())} {
  for (const char* bucket : kBuckets) model_.make_directory(bucket);
}

Sequence::~Sequence() {
  kill_.plan = {};
  runtime_->run([&] { world_->forget_process(); });
}

WorldOptions Sequence::world_options() const {
  WorldOptions options;
  options.file_backends = {"disk1", "disk2"};
  options.memory_backends = {"cloud1", "cloud2"};
  options.mounts = {{"/x/", {"disk1"}}, {"/u/", {"disk2", "cloud1"}}, {"/r/", {"cloud2"}}};
  options.catalog_on_disk = true;
  options.start = false;
  options.seed = seed_;
  options.disk.seed = seed_;
  return options;
}

std::optional<std::string> Sequence::run() {
  for (int life_number = 0; life_number < kLives && !failure_; ++life_number) {
    kill_.plan = {};
    runtime_->run([&] { life(); });
    if (world_->disk().crashed()) world_->disk().restart();
  }
  if (!failure_) {
    kill_.plan = {};
    runtime_->run([&] {
      if (auto started = world_->try_restart(); !started) {
        return fail("the start failed: " + started.error().to_string());
      }
      settle_crash();
      compare("at the end");
    });
  }
  return failure_;
}

void Sequence::life() {
  if (auto started = world_->try_restart(); !started) {
    return fail("the start failed: " + started.error().to_string());
  }
  settle_crash();
  (void)world_->principal();
  keep_versions();
  compare("after the start");
  if (failure_) return;
  kill_.plan = {runtime_.get(), world_.get(), 0, rng_.below(2) == 0};
  switch (rng_.below(3)) {
    case 0: break;
    case 1: kill_.plan.left = 1 + rng_.below(50); break;
    default:
      world_->disk().crash_at(1 + rng_.below(500),
                              [runtime = runtime_.get()] { runtime->crash(); });
  }
  for (int i = 0; i < kCallsPerLife && !failure_ && !crashed(); ++i) step();
  kill_.plan.left = 0;
  if (crashed()) {
    ++crashes_;
    if (!io::crashed()) runtime_->crash();
    return;
  }
  world_->disk().crash_at(0);
  compare("before the stop");
  if (rng_.below(2) == 0) world_->stop();
}

void Sequence::step() {
  ++calls_;
  switch (rng_.below(18)) {
    case 0:
    case 1:
    case 2:
    case 3: return put();
    case 4:
    case 5: return remove();
    case 6: return patch();
    case 7: return copy();
    case 8: return rename();
    case 9: return rename_directory();
    case 10: return make_directory();
    case 11: return remove_directory();
    case 12: return compose();
    case 13: return upload();
    case 14: return get();
    case 15:
    case 16: return remove_version();
    default: return list();
  }
}

/// Some buckets keep versions, from the first life on.
void Sequence::keep_versions() {
  if (std::exchange(keeps_, true)) return;
  for (const char* bucket : kBuckets) {
    if (rng_.below(2) == 0) continue;
    world_->set_versioning(bucket, core::kVersioningOn);
    model_.keep_versions(bucket);
  }
}

bool Sequence::crashed() const { return io::crashed() || world_->disk().crashed(); }

std::string Sequence::some_directory() {
  static constexpr const char* kNames[] = {"d/", "d/e/", "d-/", "a//", "f/"};
  return std::string{kBuckets[rng_.below(3)]} + kNames[rng_.below(std::size(kNames))];
}

std::string Sequence::some_path() {
  static constexpr const char* kNames[] = {"a", "a/", "a//b", "b", "k", "d", "z-"};
  const std::string base =
      rng_.below(2) == 0 ? std::string{kBuckets[rng_.below(3)]} : some_directory();
  return base + kNames[rng_.below(std::size(kNames))];
}

uint64_t Sequence::new_content(std::string bytes) {
  const uint64_t id = contents_.size() + 1;
  if (bytes.empty()) bytes = content_of(id);
  const auto known = ids_.find(bytes);
  if (known != ids_.end()) return known->second;
  ids_[bytes] = id;
  contents_[id] = std::move(bytes);
  return id;
}

void Sequence::expect(const std::string& what, const Expected& expected, const Model& after,
                      const std::function<Result<void>()>& call) {
  last_call_ = what;
  auto done = call();
  if (verbose_) {
    (void)std::fprintf(stderr, "%s: %s\n", what.c_str(),
                       done ? "done" : done.error().to_string().c_str());
  }
  if (crashed()) {  // nobody has heard the answer
    maybe_ = after;
    return;
  }
  if (done.has_value() != !expected || (expected && done.error().code() != *expected)) {
    return fail(what + " answered " + (done ? "success" : done.error().to_string()) +
                " instead of " + (expected ? std::string{to_string(*expected)} : "success"));
  }
  if (done) model_ = after;
}

void Sequence::put() {
  const std::string path = some_path();
  const uint64_t id = new_content({});
  const auto* there = model_.find(path);
  core::WriteRequest request;
  Expected expected;
  switch (rng_.below(4)) {
    case 0:
      request.conditions.generation_match = 0;
      if (there != nullptr) expected = Code::kConflict;
      break;
    case 1:
      request.conditions.etag_match = {"*"};
      if (there == nullptr) expected = Code::kNotFound;
      break;
    default: break;
  }
  Model after = model_;
  after.put(path, id);
  expect("put " + path, expected, after,
         [&] { return outcome(world_->put(path, contents_.at(id), request)); });
}

void Sequence::remove() {
  const std::string path = some_path();
  Model after = model_;
  after.remove(path);
  expect("remove " + path, model_.find(path) ? Expected{} : Code::kNotFound, after,
         [&] { return outcome(world_->remove(path)); });
}

/// Any version that is there, the current one and marks included, for good.
void Sequence::remove_version() {
  const std::string bucket = kBuckets[rng_.below(3)];
  core::ListVersionsRequest request;
  request.limit = 100'000;
  auto page = world_->list_versions(bucket, request);
  if (!page) {
    if (!crashed()) fail("list versions of " + bucket + ": " + page.error().to_string());
    return;
  }
  if (page->items.empty() || crashed()) return;
  const size_t chosen = rng_.below(page->items.size());
  const auto& item = page->items[chosen];
  size_t first = chosen;
  while (first > 0 && page->items[first - 1].name == item.name) --first;
  const bool has_object =
      page->items[first].is_current && !page->items[first].version.delete_marker;
  std::optional<size_t> place;
  if (!has_object || chosen != first) place = chosen - first - (has_object ? 1 : 0);
  const std::string path = bucket + item.name;
  Model after = model_;
  after.remove_version(path, place);
  const uint64_t generation = item.version.record.generation;
  expect("remove version " + std::to_string(generation) + " of " + path, {}, after,
         [&] { return outcome(world_->remove_generation(path, generation)); });
}

void Sequence::patch() {
  const std::string path = some_path();
  const uint64_t id = next_patch_++;
  core::AttributePatch request;
  request.metadata = {{"patch", std::to_string(id)}};
  Model after = model_;
  const bool there = model_.find(path) != nullptr;
  if (there) after.patch(path, id);
  expect("patch " + path, there ? Expected{} : Code::kNotFound, after, [&] {
    return outcome(world_->names().set_attributes(world_->context,
                                                  world_->grant(Action::kWrite, path), request));
  });
}

void Sequence::copy() {
  const std::string from = some_path();
  const std::string to = some_path();
  Model after = model_;
  const auto* source = model_.find(from);
  if (source != nullptr) after.put(to, source->id, source->patch);
  expect("copy " + from + " to " + to, source != nullptr ? Expected{} : Code::kNotFound, after,
         [&] { return outcome(world_->copy(from, to)); });
}

void Sequence::rename() {
  const std::string from = some_path();
  const std::string to = some_path();
  Model after = model_;
  const bool there = model_.find(from) != nullptr;
  if (there && from != to) after.rename(from, to);
  expect("rename " + from + " to " + to, there ? Expected{} : Code::kNotFound, after,
         [&] { return world_->rename(from, to); });
}

void Sequence::rename_directory() {
  const std::string from = some_directory();
  std::string to = some_directory();
  // Old names stay taken on flat backends (docs/semantics.md): one mount of files each.
  if (from.starts_with("/r/")) return list();
  to = from.substr(0, 3) + to.substr(3);
  Expected expected;
  Model after = model_;
  if (!model_.is_directory(from)) {
    expected = Code::kNotFound;
  } else if (model_.is_directory(to)) {
    expected = Code::kAlreadyExists;
  } else if (to.starts_with(from)) {
    expected = Code::kInvalid;
  } else {
    after.rename_directory(from, to);
  }
  expect("rename directory " + from + " to " + to, expected, after,
         [&] { return world_->rename_directory(from, to); });
}

void Sequence::make_directory() {
  const std::string path = some_directory();
  Model after = model_;
  after.make_directory(path);
  expect("make directory " + path,
         model_.is_explicit(path) ? Expected{Code::kAlreadyExists} : Expected{}, after,
         [&] { return outcome(world_->make_directory(path)); });
}

void Sequence::remove_directory() {
  const std::string path = some_directory();
  Model after = model_;
  Expected expected;
  if (!model_.is_directory(path)) {
    expected = Code::kNotFound;
  } else if (!model_.is_empty(path)) {
    expected = Code::kAlreadyExists;
  } else {
    after.remove_directory(path);
  }
  expect("remove directory " + path, expected, after, [&] {
    return world_->names().remove_directory(world_->context,
                                            world_->grant(Action::kAdminister, path));
  });
}

void Sequence::compose() {
  const std::string to = some_path();
  std::vector<core::Grant> grants;
  std::vector<const core::Grant*> sources;
  std::string bytes;
  bool all = true;
  grants.reserve(3);
  const uint64_t count = 1 + rng_.below(3);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string path = to.substr(0, 3) + some_path().substr(3);
    grants.push_back(world_->grant(Action::kRead, path));
    sources.push_back(&grants.back());
    const auto* source = model_.find(path);
    all = all && source != nullptr;
    if (source != nullptr) bytes += contents_.at(source->id);
  }
  Model after = model_;
  if (all) after.put(to, new_content(bytes));
  expect("compose " + to, all ? Expected{} : Code::kNotFound, after, [&] {
    return outcome(world_->names().compose(world_->context, world_->grant(Action::kWrite, to),
                                           sources, {}, {}, {}));
  });
}

void Sequence::upload() {
  const std::string path = some_path();
  const uint64_t id = new_content({});
  const std::string& bytes = contents_.at(id);
  Model after = model_;
  after.put(path, id);
  expect("upload " + path, {}, after, [&]() -> Result<void> {
    auto& names = world_->names();
    const auto& context = world_->context;
    core::BeginUpload begin;
    begin.protocol = "s3";
    BR_TRY(upload, names.begin_upload(context, world_->grant(Action::kWrite, path), begin));
    const size_t cut = rng_.below(bytes.size());
    for (uint32_t number = 1; number <= 2; ++number) {
      io::StringSource body{number == 1 ? bytes.substr(0, cut) : bytes.substr(cut)};
      core::PutPart part;
      part.upload_id = upload.id;
      part.number = number;
      part.body = &body;
      if (cut % 3 != 0) part.expected.size = number == 1 ? cut : bytes.size() - cut;
      BR_TRY(names.put_part(context, world_->grant(Action::kWrite, path), part));
    }
    core::CompleteUpload complete;
    complete.upload_id = upload.id;
    return outcome(names.complete_upload(context, world_->grant(Action::kWrite, path), complete));
  });
}

void Sequence::get() {
  const std::string path = some_path();
  const auto* object = model_.find(path);
  core::ReadRequest request;
  std::string wanted = object != nullptr ? contents_.at(object->id) : "";
  if (object != nullptr && rng_.below(2) == 0) {
    const size_t from = rng_.below(wanted.size());
    const size_t length = rng_.below(wanted.size() - from + 1);
    wanted = wanted.substr(from, length);
    request.range = [=](const core::Entry&) -> Result<std::optional<io::ByteRange>> {
      return io::ByteRange{from, length};
    };
  }
  expect("get " + path, object != nullptr ? Expected{} : Code::kNotFound, model_,
         [&]() -> Result<void> {
           BR_TRY(bytes, world_->get(path, request));
           if (bytes != wanted) fail("get " + path + " gave other bytes than were written");
           return {};
         });
}

void Sequence::list() {
  const std::string directory = rng_.below(3) == 0 ? some_directory() : kBuckets[rng_.below(3)];
  core::ListRequest request;
  const auto piece = [&] {
    const std::string name = some_path().substr(3);
    return name.substr(0, rng_.below(name.size() + 1));
  };
  if (rng_.below(3) == 0) request.prefix = piece();
  if (rng_.below(2) == 0) request.delimiter = "/";
  if (rng_.below(4) == 0) request.start_after = piece();
  if (rng_.below(4) == 0) request.start_offset = piece();
  if (rng_.below(4) == 0) request.end_offset = piece();
  request.limit = 1 + rng_.below(8);
  auto page = world_->list(directory, request);
  if (!page) {
    if (!crashed()) fail("list " + directory + ": " + page.error().to_string());
    return;
  }
  if (crashed()) return;
  Model::Page seen;
  for (const auto& item : page->items) {
    if (!item.name.empty()) seen.items.push_back(item.name);
  }
  seen.prefixes = page->prefixes;
  seen.truncated = page->truncated;
  if (seen == model_.list(directory, request)) return;
  fail("list " + directory + " prefix '" + request.prefix + "' delimiter '" + request.delimiter +
       "' after '" + request.start_after + "' from '" + request.start_offset + "' to '" +
       request.end_offset + "' limit " + std::to_string(request.limit) + " is not the model's");
}

/// What one generation holds. nullopt: it is not what somebody wrote.
std::optional<Model::Object> Sequence::object_of(const std::string& path,
                                                 const meta::EntryRecord& record) {
  core::ReadRequest request;
  request.generation = record.generation;
  auto bytes = world_->get(path, request);
  if (!bytes) {
    fail("cannot read " + path + " that is listed: " + bytes.error().to_string());
    return std::nullopt;
  }
  const auto id = ids_.find(*bytes);
  if (id == ids_.end()) {
    fail(path + " has bytes that nobody wrote");
    return std::nullopt;
  }
  const auto patch = record.metadata.find("patch");
  return Model::Object{
      id->second, patch == record.metadata.end() ? 0 : parse_u64(patch->second).value_or(0), 0};
}

bool Sequence::observe_versions(const std::string& bucket, Model& seen) {
  core::ListVersionsRequest request;
  request.limit = 100'000;
  auto page = world_->list_versions(bucket, request);
  if (!page) {
    fail("cannot list the versions of " + bucket + ": " + page.error().to_string());
    return false;
  }
  for (const auto& item : page->items) {
    const bool is_mark = item.version.delete_marker;
    if (item.is_current && !is_mark) continue;
    Model::Object object;
    if (!is_mark) {
      const auto found = object_of(bucket + item.name, item.version.record);
      if (!found) return false;
      object = *found;
    }
    seen.show_version(bucket + item.name, {object, is_mark});
  }
  return true;
}

/// The namespace as it is; nullopt: it could not be read.
std::optional<Model> Sequence::observe() {
  Model seen;
  for (const std::string bucket : kBuckets) {
    core::ListRequest request;
    request.limit = 100'000;
    auto page = world_->list(bucket, request);
    if (!page) {
      fail("cannot list " + bucket + ": " + page.error().to_string());
      return std::nullopt;
    }
    for (const auto& item : page->items) {
      const std::string path = bucket + item.name;
      const auto object = object_of(path, item.record);
      if (!object) return std::nullopt;
      seen.put(path, object->id, object->patch);
    }
    if (!observe_versions(bucket, seen)) return std::nullopt;
  }
  const auto look = [&](const std::string& path) {
    auto info = world_->names().stat_directory(world_->context, world_->grant(Action::kRead, path));
    if (info && info->record.explicit_directory) seen.make_directory(path);
  };
  for (const std::string bucket : kBuckets) {
    look(bucket);
    for (const char* name : {"d/", "d/e/", "d-/", "a//", "f/", "a/", "d//"}) look(bucket + name);
    // Directories below renamed ones.
    for (const char* name : {"d-/e/", "a//e/", "f/e/", "d/e/e/"}) look(bucket + name);
  }
  return seen;
}

/// After a crash: as before the call that was cut off, or as after it.
void Sequence::settle_crash() {
  if (!maybe_) return;
  const Model after = *std::exchange(maybe_, std::nullopt);
  auto seen = observe();
  if (!seen) return;
  if (*seen == after) {
    model_ = after;
  } else if (!(*seen == model_)) {
    fail("after the crash in \"" + last_call_ + "\" the namespace is neither old (" +
         model_.difference(*seen) + ") nor new (" + after.difference(*seen) + ")");
  }
}

void Sequence::compare(const std::string& when) {
  if (failure_) return;
  auto seen = observe();
  if (!seen || *seen == model_) return;
  fail("the namespace is not the model's " + when + " (last call: " + last_call_ +
       "):" + model_.difference(*seen));
}

void Sequence::fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

std::string Sequence::summary() const {
  return std::to_string(calls_) + " calls, " + std::to_string(crashes_) + " crashes";
}

}  // namespace beringia::simulation
