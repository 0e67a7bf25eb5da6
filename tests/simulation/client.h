#pragma once

#include <optional>
#include <string>

#include "simulation/simulation.h"

namespace beringia::simulation {

/// A client of the namespace in the simulation: does one random call after the other and notes in
/// the history what it was told. One per fiber.
class Simulation::Client {
 public:
  explicit Client(Simulation& simulation) : sim_{simulation}, world_{*simulation.world_} {}
  void run(int calls);
  /// Notes what the key holds now.
  void check_read(const Key& key) {
    get(key);
    look(key);
  }

 private:
  struct Seen {
    uint64_t generation = 0;
    uint64_t metageneration = 0;
    Value value = 0;
  };

  void step();
  void put(const Key& key);
  void put_if_absent(const Key& key);
  void put_if_unchanged(const Key& key);
  void get(const Key& key);
  void look(const Key& key);
  void remove(const Key& key);
  void get_version(const Key& key);
  void remove_version(const Key& key);
  void patch(const Key& key);
  void copy(const Key& from, const Key& to);
  void rename(const Key& from, const Key& to);
  void upload(const Key& key);
  void list(const std::string& bucket);

  uint64_t new_id();
  Call begin(Call::Kind kind, Value value, const char* how);
  void end(const Key& key, Call call, const std::optional<Error>& error);
  void acknowledged(const std::string& path, uint64_t generation, const std::string& operation);
  /// A version was acknowledged.
  void kept(const Key& key, const meta::EntryRecord& record);
  void check_failure(const Key& key, const Error& error, const char* what);
  std::optional<Seen> stat(const Key& key);
  Result<core::Entry> write(const Key& key, uint64_t id, core::Conditions conditions);
  Result<core::Grant> admit(core::Action action, const std::string& path, const char* operation);

  Simulation& sim_;
  core::test::World& world_;
};

}  // namespace beringia::simulation
