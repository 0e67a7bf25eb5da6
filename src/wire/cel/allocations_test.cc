// Counts allocations of this test program: its own file, because it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "wire/cel.h"

namespace {
std::atomic<size_t> allocations{0};
}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  if (void* place = std::malloc(bytes)) return place;
  throw std::bad_alloc{};
}
// Also this form: libraries free with the plain one what they got from it.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void operator delete(void* place, const std::nothrow_t&) noexcept { std::free(place); }
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, size_t) noexcept { std::free(place); }

namespace beringia::wire::cel {
namespace {

TEST(CelProgram, evaluates_common_conditions_without_allocation) {
  Declarations known;
  const size_t path = known.add("path", Type::string());
  const size_t size = known.add("size", Type::integer());
  const size_t age = known.add("age", Type::duration());
  const size_t tags = known.add("tags", Type::map(Type::string(), Type::string()));
  const size_t backends = known.add("backend", Type::list(Type::string()));
  auto program = Program::compile(
      "path.startsWith('/sales/') && age > duration('720h') && size >= 1048576 && "
      "!('hold' in tags) && tags.team == 'sales' && path.matches('^/sales/[0-9]+/') && "
      "'gcs-us' in backend && path.endsWith('.parquet') && "
      "tags.exists(name, name == 'a name that does not fit a small string')",
      known);
  ASSERT_TRUE(program) << program.error().to_string();
  const std::map<std::string, std::string> texts{{"team", "sales"},
                                                 {"a name that does not fit a small string", ""}};
  const std::vector<std::string> names{"disk", "gcs-us"};
  const StringMap tag_map{texts};
  const StringList backend_list{names};
  Activation values;
  values.set(path, Value::string("/sales/2026/q1.parquet"));
  values.set(size, Value::integer(2 << 20));
  values.set(age, Value::duration(std::chrono::hours{24 * 40}));
  values.set(tags, Value::map(tag_map));
  values.set(backends, Value::list(backend_list));
  ASSERT_TRUE(program->evaluate(values).value());  // RE2 builds its automaton here
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    if (!program->evaluate(values).value()) break;
  }
  EXPECT_EQ(allocations - before, 0U);
}

}  // namespace
}  // namespace beringia::wire::cel
