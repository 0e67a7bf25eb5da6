#pragma once

#include <string>

namespace beringia::app {

/// Progress of long work on standard error: a bar that is drawn over on a terminal, else a plain
/// line now and then.
class Progress {
 public:
  Progress();
  ~Progress();  // ends the bar's line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `done` of `total`, with words. Cheap: draws at most ten times a second (plain: every 5 s).
  void show(uint64_t done, uint64_t total, const std::string& words);

 private:
  bool terminal_;
  bool drawn_ = false;
  int64_t last_ms_ = 0;
};

}  // namespace beringia::app
