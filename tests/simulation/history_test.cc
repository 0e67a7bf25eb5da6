#include "simulation/history.h"

#include <gtest/gtest.h>

namespace beringia::simulation {
namespace {

using Kind = Call::Kind;

TEST(History, accepts_a_read_of_the_value_written_before_it) {
  History history;
  history.add("k", {Kind::kWrite, 1, true, false, 1, 2});
  history.add("k", {Kind::kRead, 1, true, false, 3, 4});
  EXPECT_EQ(history.first_violation(), std::nullopt);
}

TEST(History, rejects_a_stale_read) {
  History history;
  history.add("k", {Kind::kWrite, 1, true, false, 1, 2});
  history.add("k", {Kind::kWrite, 2, true, false, 3, 4});
  history.add("k", {Kind::kRead, 1, true, false, 5, 6});
  EXPECT_NE(history.first_violation(), std::nullopt);
}

TEST(History, rejects_a_lost_acknowledged_write) {
  History history;
  history.add("k", {Kind::kWrite, 1, true, false, 1, 2});
  history.add("k", {Kind::kRead, 0, true, false, 3, 4});
  EXPECT_NE(history.first_violation(), std::nullopt);
}

TEST(History, rejects_an_acknowledged_delete_that_returns) {
  History history;
  history.add("k", {Kind::kWrite, 1, true, false, 1, 2});
  history.add("k", {Kind::kRemove, 0, true, false, 3, 4});
  history.add("k", {Kind::kRead, 1, true, false, 5, 6});
  EXPECT_NE(history.first_violation(), std::nullopt);
}

TEST(History, lets_an_unanswered_write_happen_late_or_never_but_not_twice) {
  History history;
  history.add("k", {Kind::kWrite, 1, true, true, 1, 0});
  history.add("k", {Kind::kRead, 0, true, false, 2, 3});
  history.add("k", {Kind::kRead, 1, true, false, 4, 5});
  EXPECT_EQ(history.first_violation(), std::nullopt);
  history.add("k", {Kind::kRead, 0, true, false, 6, 7});
  EXPECT_NE(history.first_violation(), std::nullopt);
}

TEST(History, lets_only_one_of_two_conditional_creations_win) {
  History history;
  history.add("k", {Kind::kWriteIfNone, 1, true, false, 1, 5});
  history.add("k", {Kind::kWriteIfNone, 2, false, false, 2, 6});
  EXPECT_EQ(history.first_violation(), std::nullopt);
  history.add("k", {Kind::kWriteIfNone, 3, true, false, 7, 8});
  EXPECT_NE(history.first_violation(), std::nullopt);
}

}  // namespace
}  // namespace beringia::simulation
