#include "observe/metrics.h"

#include <gtest/gtest.h>

namespace beringia::observe {
namespace {

TEST(Counter, counts_per_label_set_and_shows_in_the_text_format) {
  const Counter counter{"test_reads_total", "Reads.", {"backend"}};
  counter.add(2, {"a\"b"});
  counter.add(1, {"a\"b"});
  EXPECT_EQ(counter.value({"a\"b"}), 3U);
  const std::string text = render_metrics();
  EXPECT_NE(text.find("# TYPE test_reads_total counter\n"), std::string::npos);
  EXPECT_NE(text.find("test_reads_total{backend=\"a\\\"b\"} 3\n"), std::string::npos);
}

TEST(Counter, keeps_a_bound_on_label_sets) {
  const Counter counter{"test_many_total", "Many.", {"x"}};
  for (int i = 0; i < 1500; ++i) counter.add(1, {std::to_string(i)});
  EXPECT_EQ(counter.value({"other"}), 500U);
}

TEST(Histogram, fills_cumulative_buckets) {
  const Histogram histogram{"test_seconds", "Time.", {}};
  histogram.observe(0.0002);
  histogram.observe(100);
  const std::string text = render_metrics();
  EXPECT_NE(text.find("test_seconds_bucket{le=\"0.00025\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("test_seconds_bucket{le=\"+Inf\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("test_seconds_count 2\n"), std::string::npos);
}

TEST(Gauge, goes_up_and_down) {
  const Gauge gauge{"test_open", "Open.", {}};
  gauge.add(3);
  gauge.add(-1);
  EXPECT_EQ(gauge.value(), 2);
}

}  // namespace
}  // namespace beringia::observe
