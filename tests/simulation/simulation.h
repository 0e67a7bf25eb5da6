#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/test_world.h"
#include "policy/policy.h"
#include "simulation/history.h"
#include "simulation/kill_plan.h"

namespace beringia::simulation {

/// A fault that is built in on purpose, to see that the checks find it.
enum class Plant {
  kNone,
  kSkipFsync,         // file backends do not sync before they publish
  kSkipVersionCheck,  // reads, removals and publications take any version
  kAckBeforeCommit,   // synced commits of the catalog are only buffered
  kLoseAudit,         // some mutations are committed without their audit record
  kForgetDooms,       // removed objects are not guarded against being adopted again
};
std::optional<Plant> parse_plant(const std::string& name);
std::string plant_names();

struct Options {
  uint64_t seed = 1;
  Plant plant = Plant::kNone;
  bool verbose = false;  // prints every call as it ends
};

/// One run of the whole core under a seed: clients, foreign writers, failing backends, crashes and
/// restarts; every answer goes into a history. Used once, by one thread.
class Simulation {
 public:
  explicit Simulation(const Options& options);
  ~Simulation();
  /// @return what is wrong; nullopt = nothing
  std::optional<std::string> run();
  /// What happened, for the message of a failure.
  std::string summary() const;

 private:
  struct Key {
    std::string path;
    std::string bucket;
    std::string backend;  // where its foreign writers write; "" = none
    std::string native;
    bool reliable = true;  // no backend of its mount fails: every call must succeed
    bool honest = true;    // none lies either
  };
  struct Mutation {  // acknowledged, to be found in the audit log
    std::string path;
    uint64_t generation = 0;
    std::string operation;
  };
  /// An acknowledged write of a bucket that keeps versions and that nobody else writes to.
  struct KeptVersion {
    uint64_t id = 0;       // of its bytes
    bool removed = false;  // for good, acknowledged
    bool unsure = false;   // a removal of it began
  };
  class Client;

  static std::vector<meta::PolicyDeclaration> policies();
  core::test::WorldOptions world_options();
  void plant_fault(core::test::WorldOptions& options) const;
  void choose_keys();
  void choose_faults();
  void plan_crash();
  void round();
  void begin_round();
  void client(int number);
  void foreign_writer(int number);
  void start_engine();
  void mover(int runs);
  void finish_moves();
  void check_at_rest();
  void check_listing(const std::string& bucket);
  void keep_versions();
  void check_versions();
  void check_kept_natives();
  void check_audit();
  void check_natives();
  void fail(const std::string& what);
  void note(const std::string& key, Call call);
  /// The process of this round has crashed; its fibers have not all seen it yet.
  bool is_dead() const;
  Result<std::optional<io::MutexGuard>> foreign_turn(const Key& key);
  Result<void> chaos(core::test::Call call, bool after);
  bool lies();

  const Options options_;
  SeededRng rng_;
  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<core::test::World> world_;
  std::unique_ptr<policy::Engine> engine_;  // of a process with the union
  KillHook kill_;
  History history_;
  std::vector<Key> keys_;
  std::map<std::string, io::Mutex>
      foreign_turns_;  // by path: file backends cannot compare and swap
  std::map<uint32_t, uint64_t> id_by_crc_;
  std::vector<Mutation> unaudited_;
  std::map<std::string, std::map<uint64_t, KeptVersion>> versions_;  // by path and generation
  std::map<std::string, bool> keeps_;  // buckets that are to keep versions; true: they do
  std::optional<std::string> failure_;
  uint64_t next_id_ = 1;
  double chaos_ = 0;
  bool quiet_ = false;  // faults and crashes pause while the checks look
  int rounds_ = 0;
  int crashes_ = 0;
  uint64_t calls_ = 0;
  uint64_t moves_ = 0;
};

}  // namespace beringia::simulation
