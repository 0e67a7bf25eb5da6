#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/test_world.h"
#include "simulation/kill_plan.h"
#include "simulation/model.h"

namespace beringia::simulation {

/// One client who does one call after the other on the whole namespace, with crashes at any point:
/// every answer is compared with the Model, and after a crash the namespace is as before or as
/// after the call that was cut off. Used once, by one thread.
class Sequence {
 public:
  explicit Sequence(uint64_t seed, bool verbose);
  ~Sequence();
  /// @return what is wrong; nullopt = nothing
  std::optional<std::string> run();
  std::string summary() const;

 private:
  /// What a call must answer: an error of this code, or success.
  using Expected = std::optional<Code>;

  core::test::WorldOptions world_options() const;
  void life();
  void step();
  void put();
  void remove();
  void remove_version();
  void patch();
  void copy();
  void rename();
  void rename_directory();
  void make_directory();
  void remove_directory();
  void compose();
  void upload();
  void get();
  void list();

  std::string some_path();
  std::string some_directory();
  uint64_t new_content(std::string bytes);
  Expected may_write(const std::string& path) const;
  /// Makes the call; the model becomes `after` when it succeeds as expected.
  void expect(const std::string& what, const Expected& expected, const Model& after,
              const std::function<Result<void>()>& call);
  bool crashed() const;
  void keep_versions();
  std::optional<Model> observe();
  std::optional<Model::Object> object_of(const std::string& path, const meta::EntryRecord& record);
  bool observe_versions(const std::string& bucket, Model& seen);
  void compare(const std::string& when);
  void settle_crash();
  void fail(const std::string& what);

  const uint64_t seed_;
  const bool verbose_;
  SeededRng rng_;
  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<core::test::World> world_;
  KillHook kill_;
  Model model_;
  std::optional<Model> maybe_;  // after the call that a crash cut off
  std::map<uint64_t, std::string> contents_;
  std::map<std::string, uint64_t> ids_;  // by content
  std::optional<std::string> failure_;
  std::string last_call_;
  uint64_t next_patch_ = 1;
  int calls_ = 0;
  int crashes_ = 0;
  bool keeps_ = false;  // the buckets that shall keep versions do
};

}  // namespace beringia::simulation
