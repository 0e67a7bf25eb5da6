#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace beringia::app {

/// Everything an operator can turn, as plain values. Declared once, in settings.cc: flags
/// (--log-level), environment (BERINGIA_LOG_LEVEL), the settings file (log_level = "warn") and
/// docs/settings.md are made from that declaration.
struct Settings {
  std::string data;
  std::vector<std::string> mount;
  std::string freshness;
  std::string s3, gcs, admin;
  std::string s3_domain, s3_website_domain;
  std::string s3_object_ownership;
  std::string s3_signature_v2;
  std::string customer_keys;
  std::string gcs_fault_injection;
  std::string encryption_keys;
  std::string gcs_public_url;
  std::string metadata, metadata_principal;
  std::vector<std::string> metadata_clients;
  std::string tls_certificate, tls_key;
  std::string instance;
  Duration token_lifetime{0};
  uint64_t loops = 0;
  uint64_t blocking_threads = 0;
  uint64_t max_connections = 0;
  uint64_t max_header_bytes = 0;
  Duration header_timeout{0}, idle_timeout{0}, body_idle_timeout{0}, request_timeout{0};
  uint64_t min_body_rate = 0;
  Duration drain_timeout{0};
  uint64_t block_cache = 0;
  uint64_t memtable = 0;
  uint64_t backend_concurrency = 0;
  uint64_t move_bandwidth = 0;
  uint64_t move_workers = 0;
  Duration move_grace{0};
  Duration lifecycle_interval{0}, lifecycle_day{0}, scan_interval{0};
  Duration s3_log_interval{0};
  std::string audit_origin;
  Duration audit_interval{0};
  std::string log_level, log_format;
};

/// How the text of a setting is read.
enum class SettingKind { kText, kTexts, kAddress, kChoice, kCount, kBytes, kRate, kDuration };

/// One setting: all that flags, file, environment and docs need to know about it.
struct SettingDeclaration {
  using Target = std::variant<std::string Settings::*, std::vector<std::string> Settings::*,
                              uint64_t Settings::*, Duration Settings::*>;
  const char* name;  // as in the file; flag and environment are derived
  SettingKind kind;
  Target target;
  const char* fallback;  // default, as the operator would write it; "" = none
  const char* range;     // kChoice: words separated by '|'; kCount, kBytes: "least..most"; else ""
  const char* who;       // who turns it, and when
  const char* help;      // one line
};

inline constexpr size_t kMaxSettings = 60;
const std::vector<SettingDeclaration>& setting_declarations();

std::string flag_of(const SettingDeclaration& declaration);         // "--log-level"
std::string environment_of(const SettingDeclaration& declaration);  // "BERINGIA_LOG_LEVEL"

/// Values as given by one source, by setting name.
struct GivenSetting {
  std::string name;
  std::vector<std::string> values;  // more than one only for kTexts
  std::string place;                // "--log-level", "BERINGIA_LOG_LEVEL", "lake.conf, line 3"
};

/// A settings file (TOML: key = value). @error kInvalid: unknown key (with a suggestion), wrong
/// type; kNotFound
[[nodiscard]] Result<std::vector<GivenSetting>> read_settings_file(const std::string& path);
/// Same for its text; `subject` is named in messages.
[[nodiscard]] Result<std::vector<GivenSetting>> parse_settings(std::string_view text,
                                                               const std::string& subject);
/// BERINGIA_* of an environment ("NAME=value"). Names that are no setting are left alone, unless
/// they are a likely misspelling of one. @error kInvalid
[[nodiscard]] Result<std::vector<GivenSetting>> settings_of_environment(
    const std::vector<std::string>& environment);
/// Defaults, then each source over the ones before it. @error kInvalid: a value of the wrong form
/// or out of range; names the place
[[nodiscard]] Result<Settings> resolve_settings(
    const std::vector<std::vector<GivenSetting>>& sources);

/// docs/settings.md.
std::string settings_page();

}  // namespace beringia::app
