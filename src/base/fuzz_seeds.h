#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace beringia {

/// Puts examples into the corpus directory of a fuzz target (its first argument that is no option),
/// so that it starts behind the first checks of a parser. Call it from LLVMFuzzerInitialize.
/// @return 0, as libFuzzer wants it; without a directory there are no examples
inline int write_fuzz_seeds(int argc, char** argv, const std::vector<std::string>& seeds) {
  for (int i = 1; i < argc; ++i) {
    std::error_code failed;
    if (std::string_view{argv[i]}.starts_with('-')) continue;
    if (!std::filesystem::is_directory(argv[i], failed)) return 0;
    for (size_t n = 0; n < seeds.size(); ++n) {
      const auto path = std::filesystem::path{argv[i]} / ("seed-" + std::to_string(n));
      std::ofstream{path, std::ios::binary} << seeds[n];
    }
    return 0;
  }
  return 0;
}

}  // namespace beringia
