#pragma once

#include <string>
#include <string_view>

namespace beringia::wire {

// S3 and GCS have words of their own for how cold an object may lie. An entry keeps the word that
// it was given; each door and each backend shows its own.

/// Google's word for a word of either: STANDARD_IA, ONEZONE_IA and INTELLIGENT_TIERING are
/// NEARLINE, GLACIER_IR and GLACIER are COLDLINE, DEEP_ARCHIVE is ARCHIVE. "" stays "".
std::string google_class(std::string_view word);

/// S3's word for a word of either: NEARLINE is STANDARD_IA, COLDLINE is GLACIER_IR (both answer at
/// once), ARCHIVE is DEEP_ARCHIVE. "" stays "".
std::string s3_class(std::string_view word);

/// How cold a class is, in the order in which lifecycles may move objects down. 0: STANDARD, "" and
/// words that nobody knows.
int coldness(std::string_view word);

/// A class that S3's lifecycles may name as a target.
bool is_s3_transition_class(std::string_view word);
/// A class that Google's lifecycles may name as a target.
bool is_google_class(std::string_view word);

}  // namespace beringia::wire
