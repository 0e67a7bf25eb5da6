#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "meta/journal.h"
#include "meta/records.h"

namespace beringia::events {

/// What messages need besides the event.
struct MessageOptions {
  std::string region = "us-east-1";
  /// An object as Google's JSON API shows it: the payload of Google's notifications.
  std::function<std::string(std::string_view bucket, std::string_view name,
                            const meta::EntryRecord& record)>
      google_object;
};

/// The body that a target of `kind` ("webhook", "pubsub") is sent. The same for each repetition.
/// @param index  of the delivery in its row
/// @return nullopt: this form has nothing to say of such an event
/// @error kCorrupt: the row is damaged
[[nodiscard]] Result<std::optional<std::string>> render_message(const meta::NumberedFeed& row,
                                                                size_t index,
                                                                const std::string& kind,
                                                                const std::string& target,
                                                                const MessageOptions& options);

}  // namespace beringia::events
