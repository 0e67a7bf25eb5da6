#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "simulation/sequence.h"
#include "simulation/simulation.h"

// The core under a deterministic simulation.
//   simulation [--first N] [--seeds N] [--seed N] [--plant NAME] [--expect-failure] [--verbose]
// Each seed is run twice: many clients at once, whose history must be linearizable, and one client
// whose every answer must be the model's. A failing seed is printed; --seed N replays exactly that.

namespace {

using beringia::simulation::Options;
using beringia::simulation::Simulation;

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 200;
  bool expect_failure = false;
  Options options;
};

int usage() {
  (void)std::fprintf(stderr,
                     "usage: simulation [--first N] [--seeds N] [--seed N] [--plant NAME]\n"
                     "                  [--expect-failure] [--verbose]\nplants: %s\n",
                     beringia::simulation::plant_names().c_str());
  return 2;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      arguments.options.verbose = true;
    } else if (name == "--expect-failure") {
      arguments.expect_failure = true;
    } else if (i + 1 == argc) {
      return false;
    } else if (name == "--first") {
      arguments.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--seeds") {
      arguments.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--seed") {
      arguments.first = std::strtoull(argv[++i], nullptr, 10);
      arguments.seeds = 1;
    } else if (name == "--plant") {
      const auto plant = beringia::simulation::parse_plant(argv[++i]);
      if (!plant) return false;
      arguments.options.plant = *plant;
    } else {
      return false;
    }
  }
  return true;
}

/// Prints what is wrong. @return anything?
template <class Run>
bool report(uint64_t seed, const char* kind, Run& run) {
  const auto failure = run.run();
  if (!failure) return false;
  std::printf("seed %llu, %s: %s\n  (%s; replay: simulation --seed %llu --verbose)\n",
              static_cast<unsigned long long>(seed), kind, failure->c_str(), run.summary().c_str(),
              static_cast<unsigned long long>(seed));
  (void)std::fflush(stdout);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage();
  const auto begun = std::chrono::steady_clock::now();
  uint64_t failures = 0;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    arguments.options.seed = seed;
    bool failed = false;
    {
      Simulation simulation{arguments.options};
      failed = report(seed, "many clients", simulation);
    }
    if (arguments.options.plant == beringia::simulation::Plant::kNone) {
      beringia::simulation::Sequence sequence{seed, arguments.options.verbose};
      failed = report(seed, "one client", sequence) || failed;
    }
    if (!failed) continue;
    ++failures;
    if (arguments.expect_failure) break;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%llu seeds, %llu failed, %.1f s\n", static_cast<unsigned long long>(arguments.seeds),
              static_cast<unsigned long long>(failures), seconds);
  return (failures > 0) == arguments.expect_failure ? 0 : 1;
}
