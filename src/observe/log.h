#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace beringia::observe {

enum class Level { kDebug, kInfo, kWarn, kError };

/// One field of a log line. Secrets print as ***.
struct Field {
  std::string key;
  std::string value;
};
Field field(std::string_view key, std::string_view value);
Field field(std::string_view key, const char* value);
Field field(std::string_view key, int64_t value);
Field field(std::string_view key, uint64_t value);
Field field(std::string_view key, int value);
Field field(std::string_view key, double value);
Field field(std::string_view key, bool value);
Field field(std::string_view key, const Secret& value);

// One line on standard error: time, level, event, sentence, fields (logfmt, or JSON lines when
// set_log_format says so). The sentence never holds variables. Thread-safe.
void log_error(std::string_view event, std::string_view sentence,
               std::initializer_list<Field> fields = {});
void log_warn(std::string_view event, std::string_view sentence,
              std::initializer_list<Field> fields = {});
void log_info(std::string_view event, std::string_view sentence,
              std::initializer_list<Field> fields = {});
void log_debug(std::string_view event, std::string_view sentence,
               std::initializer_list<Field> fields = {});

void set_log_level(Level level);
enum class LogFormat { kText, kJson };
void set_log_format(LogFormat format);

}  // namespace beringia::observe
