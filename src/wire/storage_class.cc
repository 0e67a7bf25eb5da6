#include "wire/storage_class.h"

#include <algorithm>

namespace beringia::wire {
namespace {

struct Row {
  std::string_view word;
  std::string_view google;
  std::string_view s3;
  int coldness;
};
// S3 user guide, "Transitioning objects": the order of S3's classes. Google's stand beside those of
// the same minimum time of storage (GCS documentation, "Storage classes").
constexpr Row kRows[] = {
    {"STANDARD", "STANDARD", "STANDARD", 0},
    {"REDUCED_REDUNDANCY", "STANDARD", "REDUCED_REDUNDANCY", 0},
    {"MULTI_REGIONAL", "STANDARD", "STANDARD", 0},
    {"REGIONAL", "STANDARD", "STANDARD", 0},
    {"DURABLE_REDUCED_AVAILABILITY", "STANDARD", "STANDARD", 0},
    {"STANDARD_IA", "NEARLINE", "STANDARD_IA", 1},
    {"NEARLINE", "NEARLINE", "STANDARD_IA", 1},
    {"INTELLIGENT_TIERING", "NEARLINE", "INTELLIGENT_TIERING", 2},
    {"ONEZONE_IA", "NEARLINE", "ONEZONE_IA", 3},
    {"GLACIER_IR", "COLDLINE", "GLACIER_IR", 4},
    {"COLDLINE", "COLDLINE", "GLACIER_IR", 4},
    {"GLACIER", "COLDLINE", "GLACIER", 5},
    {"DEEP_ARCHIVE", "ARCHIVE", "DEEP_ARCHIVE", 6},
    {"ARCHIVE", "ARCHIVE", "DEEP_ARCHIVE", 6},
};

const Row* find(std::string_view word) {
  const auto* found = std::ranges::find_if(kRows, [&](const Row& row) { return row.word == word; });
  return found == std::end(kRows) ? nullptr : found;
}

}  // namespace

std::string google_class(std::string_view word) {
  const Row* row = find(word);
  return std::string{row == nullptr ? word : row->google};
}

std::string s3_class(std::string_view word) {
  const Row* row = find(word);
  return std::string{row == nullptr ? word : row->s3};
}

int coldness(std::string_view word) {
  const Row* row = find(word);
  return row == nullptr ? 0 : row->coldness;
}

bool is_s3_transition_class(std::string_view word) {
  const Row* row = find(word);
  return row != nullptr && row->s3 == word && row->coldness > 0;
}

bool is_google_class(std::string_view word) {
  return word == "STANDARD" || word == "NEARLINE" || word == "COLDLINE" || word == "ARCHIVE";
}

}  // namespace beringia::wire
