#include "observe/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "base/json_writer.h"
#include "base/time.h"

namespace beringia::observe {
namespace {

std::atomic<Level> lowest{Level::kInfo};
std::atomic<LogFormat> format{LogFormat::kText};

const char* name_of(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warn";
    case Level::kError: return "error";
  }
  return "error";
}

/// logfmt: quoted when it holds anything but plain characters; control bytes cannot forge lines.
void append_value(std::string& line, const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\\") == std::string::npos &&
                     value.find_first_of("\n\r\t") == std::string::npos;
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  append_json_escaped(line, value);
  line += '"';
}

void write_line(Level level, std::string_view event, std::string_view sentence,
                std::initializer_list<Field> fields) {
  if (level < lowest.load(std::memory_order_relaxed)) return;
  const std::string time = to_iso8601(SystemClock{}.wall());
  std::string line;
  if (format.load(std::memory_order_relaxed) == LogFormat::kJson) {
    JsonWriter json;
    json.begin_object().member("time", time).member("level", name_of(level)).member("event", event);
    json.member("message", sentence);
    for (const auto& f : fields) json.member(f.key, f.value);
    json.end_object();
    line = json.take();
  } else {
    line = time + " " + name_of(level) + " " + std::string{event} + ": " + std::string{sentence};
    for (const auto& f : fields) {
      line += " " + f.key + "=";
      append_value(line, f.value);
    }
  }
  line += '\n';
  // One write: lines of several threads do not mix.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace

Field field(std::string_view key, std::string_view value) {
  return {std::string{key}, std::string{value}};
}
Field field(std::string_view key, const char* value) { return field(key, std::string_view{value}); }
Field field(std::string_view key, int64_t value) {
  return {std::string{key}, std::to_string(value)};
}
Field field(std::string_view key, uint64_t value) {
  return {std::string{key}, std::to_string(value)};
}
Field field(std::string_view key, int value) { return {std::string{key}, std::to_string(value)}; }
Field field(std::string_view key, double value) {
  return {std::string{key}, std::to_string(value)};
}
Field field(std::string_view key, bool value) {
  return {std::string{key}, value ? "true" : "false"};
}
Field field(std::string_view key, const Secret& value) {
  return {std::string{key}, std::string{value.to_string()}};
}

void log_error(std::string_view event, std::string_view sentence,
               std::initializer_list<Field> fields) {
  write_line(Level::kError, event, sentence, fields);
}
void log_warn(std::string_view event, std::string_view sentence,
              std::initializer_list<Field> fields) {
  write_line(Level::kWarn, event, sentence, fields);
}
void log_info(std::string_view event, std::string_view sentence,
              std::initializer_list<Field> fields) {
  write_line(Level::kInfo, event, sentence, fields);
}
void log_debug(std::string_view event, std::string_view sentence,
               std::initializer_list<Field> fields) {
  write_line(Level::kDebug, event, sentence, fields);
}

void set_log_level(Level level) { lowest = level; }
void set_log_format(LogFormat new_format) { format = new_format; }

}  // namespace beringia::observe
