#pragma once

#include <string>
#include <string_view>

#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

// Appendable objects that are not finalized. Only gRPC has them; the JSON API, which does the work,
// is asked for them inside the process by a header that it takes from gRPC alone.

/// Answers that show an unfinalized object have it, with the generation as which the object began.
inline constexpr const char* kAppendableHeader = "x-goog-appendable";
inline constexpr std::string_view kBegin = "begin";         // insert: it is not finalized
inline constexpr std::string_view kTakeOver = "take-over";  // of a session: it continues the object
/// Of a session's last request, before a generation: the object stays appendable, and began so.
inline constexpr std::string_view kLeave = "leave ";

/// What gRPC asks; "" = nothing.
std::string_view asked_of_appendable(const Call& call);

/// In EntryRecord::http: which object is not finalized, and since which generation. It is of no
/// account in copies, whose name is another one.
inline constexpr const char* kUnfinalized = "x-goog-unfinalized";
/// @param origin  0: the one that is made with it
std::string unfinalized_mark(std::string_view bucket, std::string_view name, uint64_t origin);
/// The generation as which an unfinalized object began; 0: it is finalized.
uint64_t unfinalized_since(std::string_view bucket, std::string_view name,
                           const meta::EntryRecord& record);

}  // namespace beringia::protocol::gcs
