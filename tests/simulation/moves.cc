#include <algorithm>

#include "simulation/simulation.h"

// Moves by policy, to and fro in the union while clients are at work.

namespace beringia::simulation {

namespace {

const char* const kUnion = "/u/";

}  // namespace

/// The moves that plans may ask for, all in the union.
std::vector<meta::PolicyDeclaration> Simulation::policies() {
  const std::string when = "path.startsWith('" + std::string{kUnion} + "')";
  return {{"to-cloud", when, {{"cloud1", ""}}, 0},
          {"to-disk", when, {{"disk2", ""}}, 0},
          {"both", when, {{"disk2", ""}, {"cloud1", ""}}, 0}};
}

void Simulation::start_engine() {
  const bool moves =
      std::any_of(keys_.begin(), keys_.end(), [](const Key& key) { return key.bucket == kUnion; });
  if (!moves || io::crashed()) return;
  policy::Options options;
  options.parallel_moves = 3;
  options.grace = std::chrono::milliseconds{50 + rng_.below(200)};
  options.first_backoff = std::chrono::milliseconds{20};
  options.max_backoff = std::chrono::milliseconds{200};
  engine_ =
      policy::Engine::make({world_->names(), world_->parts(), world_->gate(), *runtime_,
                            [this](const io::Context& context, const std::string& name) {
                              return world_->directory().principal_named(context, name, "run");
                            }},
                           options);
  (void)engine_->start(world_->context);
}

/// Plans and runs moves of the union to and fro while clients are at work.
void Simulation::mover(int runs) {
  for (int i = 0; i < runs && !io::crashed() && !failure_; ++i) {
    if (!io::sleep_for({}, std::chrono::microseconds{rng_.below(400'000)})) return;
    policy::PlanRequest request;
    request.policies = {policies()[rng_.below(3)].name};
    const auto root = world_->principal();
    auto plan = engine_->make_plan(world_->context, root, request);
    if (!plan || plan->totals.objects == 0) continue;
    auto run = engine_->start_run(world_->context, root, {plan->id, 0, false});
    if (!run) continue;
    moves_ += plan->totals.objects;
    if (rng_.below(2) == 0) (void)engine_->wait(world_->context, root, run->id);
  }
}

/// Lets the runs that crashes have interrupted come to their end.
void Simulation::finish_moves() {
  start_engine();
  if (!engine_) return;
  auto running = [&]() -> Result<bool> {
    BR_TRY(runs, engine_->runs(world_->context, world_->principal()));
    return std::any_of(runs.begin(), runs.end(), [](const policy::RunStatus& run) {
      return run.state == meta::RunRecord::State::kRunning;
    });
  };
  for (int i = 0; i < 600; ++i) {
    auto more = running();
    if (!more) return fail("cannot ask for the runs: " + more.error().to_string());
    if (!*more) break;
    if (i == 599) return fail("a run of moves does not end");
    if (!io::sleep_for({}, std::chrono::seconds{1})) return;
  }
  engine_.reset();
  for (int i = 0; i < 10; ++i) {
    auto reaped = core::reap_doomed(world_->context, world_->parts(), 100);
    if (!reaped || *reaped == 0) break;
  }
  check_at_rest();
}

}  // namespace beringia::simulation
