#include <cstdio>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"

namespace beringia::app {

int inventory_run(const Invocation& invocation) {
  std::string bucket = invocation.arguments.at(0);
  if (bucket.starts_with('/')) bucket.erase(0, 1);
  if (bucket.ends_with('/')) bucket.pop_back();
  const std::string target = "/v1/inventories/" + percent_encode(bucket) +
                             "?id=" + percent_encode(invocation.arguments.at(1));
  return call_and_print(invocation, "POST", target, {}, [](const wire::Value& answer) {
    std::printf("%s rows, manifest %s\n", text_of(answer, "rows").c_str(),
                text_of(answer, "manifest").c_str());
  });
}

}  // namespace beringia::app
