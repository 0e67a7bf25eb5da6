#include "app/command_line.h"

/// Read by jemalloc before main(). Few arenas and quick giving back: memory counts more than the
/// last percent of speed (the default of 4 arenas per core costs tens of MB under load).
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:4,dirty_decay_ms:2000,muzzy_decay_ms:0";

int main(int argc, char** argv) { return beringia::app::run_command_line({argv + 1, argv + argc}); }
