#include "wire/multipart.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace beringia::wire {
namespace {

/// Yields `step` bytes at a time, so that delimiters fall on every edge.
class SlowSource final : public io::ByteSource {
 public:
  SlowSource(std::string text, size_t step) : text_{std::move(text)}, step_{step} {}
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    size_t count = std::min({buffer.size(), step_, text_.size() - at_});
    std::copy_n(text_.data() + at_, count, buffer.data());
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  size_t step_;
  size_t at_ = 0;
};

struct Part {
  std::string type;
  std::string body;
  bool operator==(const Part&) const = default;
};

Result<std::vector<Part>> parts_of(const std::string& text, const std::string& boundary,
                                   size_t step) {
  io::Context context;
  SlowSource source{text, step};
  MultipartReader reader{source, boundary};
  std::vector<Part> parts;
  while (true) {
    BR_TRY(headers, reader.next(context));
    if (!headers) return parts;
    Part part;
    part.type = std::string{headers->get_or("content-type", "")};
    std::vector<char> buffer(step + 3);
    while (true) {
      BR_TRY(count, reader.part().read(context, buffer));
      if (count == 0) break;
      part.body.append(buffer.data(), count);
    }
    parts.push_back(std::move(part));
  }
}

const std::vector<size_t> kSteps{1, 2, 3, 7, 64, 100000};

TEST(MultipartReader, yields_the_parts_of_a_crlf_body) {
  std::string media = "line\r\n--bound\r\n--boundaryX\n--boundary\nend\r\n";
  std::string text =
      "preamble\r\n--boundary\r\nContent-Type: application/json\r\n\r\n{}\r\n"
      "--boundary\r\ncontent-type:\ttext/csv \r\nX: 1\r\n\r\n" +
      media + "\r\n--boundary--\r\nepilogue";
  for (auto step : kSteps) {
    auto parts = parts_of(text, "boundary", step);
    ASSERT_TRUE(parts) << step << ": " << parts.error().to_string();
    EXPECT_EQ(*parts, (std::vector<Part>{{"application/json", "{}"}, {"text/csv", media}}));
  }
}

TEST(MultipartReader, yields_the_parts_of_a_body_with_bare_line_feeds) {
  // As gcsfs sends it; media that ends in a carriage return keeps it.
  std::string media = std::string{"a\0b\r", 4};
  std::string text =
      "--==0==\nContent-Type: application/json; charset=UTF-8\n\n{\"name\":\"x\"}"
      "\n--==0==\nContent-Type: a/b\n\n" +
      media + "\n--==0==--";
  for (auto step : kSteps) {
    auto parts = parts_of(text, "==0==", step);
    ASSERT_TRUE(parts) << step << ": " << parts.error().to_string();
    ASSERT_EQ(parts->size(), 2u);
    EXPECT_EQ((*parts)[1].body, media);
  }
}

TEST(MultipartReader, takes_single_quotes_around_the_boundary_as_the_body_has_them) {
  // As gsutil and gcloud write it: boundary='==1==', and delimiters without the quotes.
  const std::vector<Part> expected{{"a/b", "{}"}, {"c/d", "--'==1=='--\nx"}};
  const std::string bare =
      "--==1==\nContent-Type: a/b\n\n{}\n--==1==\nContent-Type: c/d\n\n--'==1=='--\nx\n"
      "--==1==--";
  const std::string quoted =
      "--'=='\nContent-Type: a/b\n\n{}\n--'=='\nContent-Type: c/d\n\n--==--\nx\n--'=='--\n";
  for (auto step : kSteps) {
    auto parts = parts_of(bare, "'==1=='", step);
    ASSERT_TRUE(parts) << step << ": " << parts.error().to_string();
    EXPECT_EQ(*parts, expected);
    auto literal = parts_of(quoted, "'=='", step);
    ASSERT_TRUE(literal) << step << ": " << literal.error().to_string();
    EXPECT_EQ(*literal, (std::vector<Part>{{"a/b", "{}"}, {"c/d", "--==--\nx"}}));
  }
  EXPECT_FALSE(parts_of("--x\n\n{}\n--x--", "''", 64));
}

TEST(MultipartReader, yields_empty_parts_and_large_ones) {
  std::string large;
  for (int i = 0; large.size() < 300000; ++i) large += "\r\n-" + std::to_string(i) + "\r\n--bx";
  std::string text = "--b\r\n\r\n\r\n--b  \r\nA: b\r\n\r\n" + large + "\r\n--b--";
  for (size_t step : {13, 65536, 1000000}) {
    auto parts = parts_of(text, "b", step);
    ASSERT_TRUE(parts) << step << ": " << parts.error().to_string();
    ASSERT_EQ(parts->size(), 2u);
    EXPECT_EQ((*parts)[0].body, "");
    EXPECT_EQ((*parts)[1].body, large);
  }
}

TEST(MultipartReader, drops_the_rest_of_a_part_that_was_not_read) {
  io::Context context;
  SlowSource source{"--b\r\n\r\n" + std::string(200000, 'x') + "\r\n--b\r\n\r\nsecond\r\n--b--",
                    999};
  MultipartReader reader{source, "b"};
  ASSERT_TRUE(reader.next(context));
  ASSERT_TRUE(reader.next(context));
  char buffer[100];
  auto count = reader.part().read(context, buffer);
  ASSERT_TRUE(count);
  EXPECT_EQ(std::string_view(buffer, *count), "second");
}

TEST(MultipartReader, reads_what_related_frame_writes) {
  auto frame = related_frame("sep 1", R"({"name":"x"})", "text/csv");
  auto boundary = multipart_boundary(frame.content_type, "related");
  ASSERT_TRUE(boundary) << boundary.error().to_string();
  EXPECT_EQ(*boundary, "sep 1");
  auto parts = parts_of(frame.head + "a,b\r\n" + frame.tail, *boundary, 5);
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].body, R"({"name":"x"})");
  EXPECT_EQ((*parts)[1], (Part{"text/csv", "a,b\r\n"}));
}

TEST(MultipartReader, refuses_malformed_bodies) {
  for (const std::string& bad :
       {std::string{}, std::string{"--b"}, std::string{"--b\r\nA: b\r\n"},
        std::string{"--b\r\n\r\nabc"}, std::string{"--b\r\n\r\nabc\r\n--b-"},
        std::string{"--b\r\nno colon\r\n\r\nx\r\n--b--"}, std::string(10000, 'x'),
        "--b\r\nA: " + std::string(20000, 'x') + "\r\n\r\n\r\n--b--"}) {
    for (auto step : kSteps) {
      auto parts = parts_of(bad, "b", step);
      ASSERT_FALSE(parts) << bad.substr(0, 40);
      EXPECT_EQ(parts.error().tag(), "malformed_multipart") << bad.substr(0, 40);
    }
  }
}

TEST(MultipartBoundary, is_read_plain_quoted_and_among_other_parameters) {
  EXPECT_EQ(multipart_boundary("multipart/related; boundary=abc", "related").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Related;boundary=\"a b\" ; x=y").value(), "a b");
  EXPECT_EQ(multipart_boundary("multipart/mixed; type=\"a;boundary=no\"; BOUNDARY='yes'").value(),
            "'yes'");
  for (const char* bad : {"", "text/plain; boundary=a", "multipart/related",
                          "multipart/related; boundary=", "multipart/related; boundary=\"a",
                          "multipart/related; boundary=\"a \""}) {
    EXPECT_FALSE(multipart_boundary(bad)) << bad;
  }
  EXPECT_FALSE(multipart_boundary("multipart/mixed; boundary=a", "related"));
  EXPECT_FALSE(multipart_boundary("multipart/related; boundary=" + std::string(71, 'a')));
}

}  // namespace
}  // namespace beringia::wire
