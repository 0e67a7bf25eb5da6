#pragma once

#include <cstdint>
#include <optional>

#include "access/access.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What a request does, as policies of buckets name it. @param action  what the gate is asked for:
/// a copy reads one object and writes another
access::Right right_of(const Call& call, access::Action action);

/// The version that the action is on, as core::ReadRequest::generation; absent: what is current, or
/// no id that could be one (the verb will say so).
std::optional<uint64_t> generation_asked(const Call& call, access::Action action);

}  // namespace beringia::protocol::s3
