#include "wire/cel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beringia::wire::cel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The variables of a policy.
struct Entry {
  Declarations known;
  size_t path = known.add("path", Type::string());
  size_t size = known.add("size", Type::integer());
  size_t age = known.add("age", Type::duration());
  size_t now = known.add("now", Type::timestamp());
  size_t tags = known.add("tags", Type::map(Type::string(), Type::string()));
  size_t backends = known.add("backend", Type::list(Type::string()));
  size_t any = known.add("any", Type::dyn());
  size_t unset = known.add("unset", Type::boolean());
  std::map<std::string, std::string> tag_texts{{"team", "sales"}, {"cost-center", "42"}};
  std::vector<std::string> backend_names{"disk", "gcs-us"};
  StringMap tag_map{tag_texts};
  StringList backend_list{backend_names};
  Activation values;

  Entry() {
    values.set(path, Value::string("/sales/2026/q1.parquet"));
    values.set(size, Value::integer(2 << 20));
    values.set(age, Value::duration(std::chrono::hours{24 * 40}));
    values.set(now, Value::timestamp(Timestamp{1'795'694'400'000'000}));  // 2026-11-26T12:00:00Z
    values.set(tags, Value::map(tag_map));
    values.set(backends, Value::list(backend_list));
    values.set(any, Value::integer(1));
  }
};

/// The value of an expression as text, or "error: ..." with the message alone.
std::string value_of(std::string_view source) {
  Entry entry;
  auto program = Program::compile_value(source, entry.known);
  if (!program) return "compile: " + program.error().why();
  Scratch scratch;
  auto value = program->evaluate_value(entry.values, scratch);
  if (!value) return "error: " + value.error().why();
  return to_string(*value);
}

std::string mistake_of(std::string_view source) {
  Entry entry;
  auto program = Program::compile(source, entry.known);
  if (program) return "compiles";
  EXPECT_EQ(program.error().code(), Code::kInvalid);
  return program.error().why() + "\nhint: " + program.error().hint();
}

struct Case {
  std::string_view source;
  std::string_view value;
};

void expect_values(std::initializer_list<Case> cases) {
  for (const auto& [source, value] : cases) EXPECT_EQ(value_of(source), value) << source;
}

void expect_errors(std::initializer_list<Case> cases) {
  for (const auto& [source, message] : cases) {
    const std::string got = value_of(source);
    EXPECT_THAT(got, testing::StartsWith("error: ")) << source;
    EXPECT_THAT(got, HasSubstr(message)) << source;
  }
}

TEST(CelLiterals, numbers_have_their_kind) {
  expect_values({{"1", "1"},
                 {"0x1F", "31"},
                 {"-0x10", "-16"},
                 {"7u", "7u"},
                 {"0xfU", "15u"},
                 {"1.5", "1.5"},
                 {".5", "0.5"},
                 {"1e3", "1000.0"},
                 {"-2.5E-1", "-0.25"},
                 {"9223372036854775807", "9223372036854775807"},
                 {"-9223372036854775808", "-9223372036854775808"},
                 {"18446744073709551615u", "18446744073709551615u"}});
  EXPECT_THAT(mistake_of("size > 9223372036854775808"), HasSubstr("does not fit an int"));
  EXPECT_THAT(mistake_of("size > -9223372036854775809"), HasSubstr("does not fit an int"));
  EXPECT_THAT(mistake_of("size > 18446744073709551616u"), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(mistake_of("size > 0x"), HasSubstr("no digits"));
}

TEST(CelLiterals, texts_resolve_their_escapes) {
  EXPECT_EQ(value_of(R"("a\n\t\"\\\x41\u00e9\U0001F600\101")"),
            "\"a\\x0a\\x09\\\"\\\\A\xC3\xA9\xF0\x9F\x98\x80"
            "A\"");
  expect_values({{R"('it"s')", R"("it\"s")"},
                 {R"(r"\d+\n")", R"("\\d+\\n")"},
                 {R"(R'a\')", R"("a\\")"},
                 {R"("""a"b""")", R"("a\"b")"},
                 {"'''x\ny'''", "\"x\\x0ay\""},
                 {R"(b"\xff\000a")", "b\"ff0061\""},
                 {R"(b"é")", "b\"c3a9\""},
                 {R"(br"\x")", "b\"5c78\""},
                 {R"(rb'\')", "b\"5c\""},
                 {R"("\x80".size())", "1"},  // a character in texts, an octet in bytes
                 {R"(b"\x80".size())", "1"},
                 {R"(b"\u0041")",
                  "compile: line 1, column 3: bytes take \\xHH and \\OOO, not "
                  "\\u or \\U\n  b\"\\u0041\"\n    ^"}});
  EXPECT_THAT(mistake_of(R"(path == "\ud800")"), HasSubstr("not a Unicode character"));
  EXPECT_THAT(mistake_of(R"(path == "\400")"), HasSubstr("escape is not known"));
  EXPECT_THAT(mistake_of(R"(path == "\q")"), HasSubstr("escape is not known"));
  EXPECT_THAT(mistake_of(R"(path == "\x4")"), HasSubstr("needs 2 digits"));
  EXPECT_THAT(mistake_of("path == \"a"), HasSubstr("does not end"));
  EXPECT_THAT(mistake_of("path == \"a\nb\""), HasSubstr("does not end"));
  EXPECT_THAT(mistake_of("path == \"a\\"), HasSubstr("does not end"));
}

TEST(CelLiterals, lists_maps_null_and_types) {
  expect_values({{"[1, 'a', null,]", "[1, \"a\", null]"},
                 {"{'a': 1, 2: true,}", "{\"a\": 1, 2: true}"},
                 {"[]", "[]"},
                 {"{}", "{}"},
                 {"type(1) == int && type('') == string && type([]) == list", "true"},
                 {"type(null) == null_type && type(int) == type", "true"},
                 {"type(now) == google.protobuf.Timestamp", "true"},
                 {"// a comment\n1 // another", "1"}});
}

TEST(CelOperators, precedence_and_associativity) {
  expect_values({{"1 + 2 * 3", "7"},
                 {"(1 + 2) * 3", "9"},
                 {"10 - 4 - 3", "3"},
                 {"100 / 10 / 5", "2"},
                 {"-7 / 2", "-3"},
                 {"-7 % 3", "-1"},
                 {"7 % -3", "1"},
                 {"- -5", "5"},
                 {"!!true", "true"},
                 {"1 + 1 == 2 && 2 < 3", "true"},
                 {"true || false && false", "true"},
                 {"false ? 1 : true ? 2 : 3", "2"},
                 {"true ? 1 : false ? 2 : 3", "1"},
                 {"1 in [1] && !(2 in [1])", "true"}});
}

// Relations associate to the left: (true == 1) < 2. The message names the first.
TEST(CelOperators, relations_associate_to_the_left) {
  EXPECT_THAT(value_of("true == 1 < 2"), HasSubstr("\"==\" is not defined between bool and int"));
  EXPECT_EQ(value_of("1 < 2 == true"), "true");
}

TEST(CelOperators, arithmetic_overflows_are_errors) {
  expect_errors({{"9223372036854775807 + 1", "overflows"},
                 {"-9223372036854775808 - 1", "overflows"},
                 {"9223372036854775807 * 2", "overflows"},
                 {"-(-9223372036854775808)", "overflows"},
                 {"-9223372036854775808 / -1", "overflows"},
                 {"-9223372036854775808 % -1", "overflows"},
                 {"0u - 1u", "overflows"},
                 {"18446744073709551615u + 1u", "overflows"},
                 {"1 / 0", "division by zero"},
                 {"1 % 0", "division by zero"},
                 {"1u / 0u", "division by zero"},
                 {"size / (size - size)", "division by zero"}});
  expect_values({{"1.0 / 0.0 > 1e300", "true"}, {"size / 2", "1048576"}});
}

TEST(CelLogic, absorbs_errors_of_either_side) {
  expect_values({{"true || 1/0 == 1", "true"},
                 {"1/0 == 1 || true", "true"},
                 {"false && 1/0 == 1", "false"},
                 {"1/0 == 1 && false", "false"},
                 {"unset || path != ''", "true"},
                 {"unset && size < 0", "false"},
                 {"any.x == 1 || true", "true"},
                 {"dyn('text') || true", "true"},
                 {"dyn('text') && false", "false"}});
  expect_errors({{"false || 1/0 == 1", "division by zero"},
                 {"1/0 == 1 || false", "division by zero"},
                 {"true && 1/0 == 1", "division by zero"},
                 {"unset && true", "no value here"},
                 {"unset", "no value here"},
                 {"dyn('text') && true", "types"},
                 {"dyn('text') || false", "types"}});
}

TEST(CelLogic, the_ternary_evaluates_one_side_only) {
  expect_values({{"true ? 1 : 1/0", "1"}, {"false ? 1/0 : 2", "2"}});
  expect_errors({{"1/0 == 1 ? 1 : 2", "division by zero"}, {"dyn(1) ? 1 : 2", "types"}});
}

TEST(CelEquality, is_exact_over_kinds_of_numbers) {
  expect_values({{"dyn(1) == dyn(1u)", "true"},
                 {"dyn(1) == 1.0", "true"},
                 {"dyn(1) == '1'", "false"},
                 {"dyn(9007199254740993) == 9007199254740992.0", "false"},
                 {"9007199254740993 > 9007199254740992.0", "true"},
                 {"1 < 1.5 && 2 > 1.5 && 1u < 2 && -1 < 0u", "true"},
                 {"18446744073709551615u > 9223372036854775807", "true"},
                 {"9223372036854775807 < 9223372036854775808.0", "true"},
                 {"-9223372036854775808 >= -9223372036854775808.0", "true"},
                 {"[1, 2] == [1, 2] && [1] != [1, 2] && [1, 2] != [2, 1]", "true"},
                 {"dyn([1]) == [1.0]", "true"},
                 {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
                 {"{'a': 1} != {'a': 2} && {'a': 1} != {'b': 1}", "true"},
                 {"dyn({1: 'a'}) == {1u: 'a'}", "true"},
                 {"null == null", "true"},
                 {"dyn(null) == false", "false"}});
  const std::string nan = "double('nan')";
  EXPECT_EQ(value_of(nan + " == " + nan), "false");
  EXPECT_EQ(value_of(nan + " != " + nan), "true");
  EXPECT_EQ(value_of(nan + " < 1.0 || " + nan + " >= 1.0"), "false");
  EXPECT_EQ(value_of("dyn(" + nan + ") in [1.0]"), "false");
}

TEST(CelTexts, compare_and_search_by_characters) {
  expect_values({{"'a' < 'b' && 'a' < 'aa' && 'z' < '\\u00e9'", "true"},
                 {"'\\uffff' < '\\U00010000'", "true"},
                 {"size('h\\u00e9llo')", "5"},
                 {"size(b'h\\303\\251')", "3"},
                 {"'ab' + 'cd'", "\"abcd\""},
                 {"'hello'.startsWith('he') && 'hello'.endsWith('lo')", "true"},
                 {"'hello'.contains('ll') && 'a'.contains('')", "true"},
                 {"'hello'.matches('l+')", "true"},
                 {"matches('hello', '^l')", "false"},
                 {"'a.b'.matches(r'^a\\.b$')", "true"},
                 {"'aXb'.lowerAscii() + 'aXb'.upperAscii()", "\"axbAXB\""},
                 {"path.matches('^/sa' + 'les/')", "true"},
                 {"path.matches('^/' + path.lowerAscii().endsWith('t') ? 'x' : 'y')",
                  "compile: line 1, column 19: \"+\" is not defined between string and bool\n"
                  "  path.matches('^/' + path.lowerAscii().endsWith('t') ? 'x' : 'y')\n"
                  "                    ^"}});
}

TEST(CelTexts, hostile_patterns_stay_linear) {
  Entry entry;
  const std::string long_text(60'000, 'a');
  entry.values.set(entry.path, Value::string(long_text));
  auto program =
      Program::compile("path.matches('^(a+)+$') && !path.matches('^(a|aa)*b$')", entry.known);
  ASSERT_TRUE(program) << program.error().to_string();
  EXPECT_TRUE(program->evaluate(entry.values).value());
  EXPECT_THAT(mistake_of("path.matches('(')"), HasSubstr("not a regular expression"));
  EXPECT_THAT(mistake_of("path.matches('(?:a{1000}){1000}')"), HasSubstr("regular expression"));
  EXPECT_THAT(value_of("'a'.matches(dyn('(' + path))"), HasSubstr("not a regular expression"));
}

TEST(CelCollections, are_indexed_and_searched) {
  expect_values({{"[10, 20][1]", "20"},
                 {"{'a': 1}['a']", "1"},
                 {"{'a': {'b': 2}}.a.b", "2"},
                 {"tags['team']", "\"sales\""},
                 {"tags.team", "\"sales\""},
                 {"tags.`cost-center`", "\"42\""},
                 {"'team' in tags && !('hold' in tags)", "true"},
                 {"has(tags.team) && !has(tags.hold)", "true"},
                 {"'gcs-us' in backend", "true"},
                 {"backend[0]", "\"disk\""},
                 {"size(tags) + backend.size() + size('')", "4"},
                 {"[1] + [2, 3]", "[1, 2, 3]"},
                 {"[] + ['a']", "[\"a\"]"},
                 {"[1, 2][dyn(1.0)]", "2"},
                 {"{1: 'a'}[dyn(1u)]", "\"a\""},
                 {"2 in {1: 'a', 2: 'b'}", "true"}});
  expect_errors({{"[1][1]", "outside the list"},
                 {"[1][-1]", "outside the list"},
                 {"tags['hold']", "no such key"},
                 {"tags.hold", "no such key: \"hold\""},
                 {"{'a': 1, 'a': 2}", "key twice"},
                 {"{dyn(1.5): 'a'}", "keys of a map"},
                 {"[1, 2][dyn(1.5)]", "types"},
                 {"dyn(1) in dyn(2)", "types"}});
}

TEST(CelMacros, quantify_with_absorbed_errors) {
  expect_values({{"[1, 2, 3].all(x, x > 0)", "true"},
                 {"[].all(x, x > 0)", "true"},
                 {"[1, 2].exists(x, x == 2)", "true"},
                 {"[].exists(x, x == 2)", "false"},
                 {"[0, 2].exists(x, 2 / x == 1)", "true"},  // the error at 0 is absorbed
                 {"[0, 2].all(x, 2 / x == 2)", "false"},    // and here by the false at 2
                 {"[1, 2, 2].exists_one(x, x == 1)", "true"},
                 {"[1, 2, 2].exists_one(x, x == 2)", "false"},
                 {"tags.exists(k, k.startsWith('te'))", "true"},
                 {"tags.all(k, tags[k] != '')", "true"},
                 {"backend.exists(b, b.startsWith('gcs'))", "true"}});
  expect_errors({{"[0, 1].exists(x, 2 / x == 5)", "division by zero"},
                 {"[0, 1].all(x, 2 / x == 2)", "division by zero"},
                 {"[0, 1].exists_one(x, 2 / x == 2)", "division by zero"},
                 {"[1].all(x, dyn(x))", "types"}});
}

TEST(CelMacros, transform_and_nest) {
  expect_values({{"[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"},
                 {"[1, 2].map(x, x * 10)", "[10, 20]"},
                 {"[1, 2, 3].map(x, x > 1, x * 10)", "[20, 30]"},
                 {"[1, 2].map(x, [3, 4].map(y, x * y))", "[[3, 4], [6, 8]]"},
                 {"[1].map(x, [2].map(x, x))", "[[2]]"},  // the inner name hides the outer
                 {"[1].map(size, size + 1)", "[2]"},      // and a variable
                 {"tags.map(k, k + '=' + tags[k])", "[\"cost-center=42\", \"team=sales\"]"},
                 {"{'b': 1, 'a': 2}.filter(k, true)", "[\"b\", \"a\"]"}});
  expect_errors({{"[0].map(x, 1 / x)", "division by zero"},
                 {"[0].filter(x, 1 / x == 1)", "division by zero"}});
  EXPECT_THAT(mistake_of("[1].all(1, true)"), HasSubstr("is a name for the element"));
  EXPECT_THAT(mistake_of("size.all(x, true)"), HasSubstr("goes over a list or a map"));
  EXPECT_THAT(mistake_of("[1].all(x, x)"), HasSubstr("the condition must be a bool"));
  EXPECT_THAT(mistake_of("[1].all(x, true) && x == 1"), HasSubstr("unknown variable \"x\""));
  EXPECT_THAT(mistake_of("has(tags)"), HasSubstr("has() takes one selection"));
}

TEST(CelTimes, durations_are_read_and_counted) {
  expect_values({{"duration('1h30m')", "duration(\"5400s\")"},
                 {"duration('-1.5s')", "duration(\"-1.5s\")"},
                 {"duration('0')", "duration(\"0s\")"},
                 {"duration('1ms2us3ns')", "duration(\"0.001002003s\")"},
                 {"duration('0.5h').getMinutes()", "30"},
                 {"duration('90m').getHours()", "1"},
                 {"duration('1.234s').getMilliseconds()", "234"},
                 {"duration('1h') + duration('1m') == duration('3660s')", "true"},
                 {"duration('1h') - duration('2h')", "duration(\"-3600s\")"},
                 {"duration('1s') - duration('1500ms')", "duration(\"-0.5s\")"},
                 {"age > duration('720h')", "true"},
                 {"age > duration('960h') || age >= duration('960h')", "true"},
                 {"string(duration('1m40s'))", "\"100s\""}});
  EXPECT_THAT(mistake_of("age > duration('30d')"), HasSubstr("thirty days are \"720h\""));
  for (const char* text : {"", "h", "1", "1h-1m", "1x", "--1s", ".s", "999999999999h"}) {
    EXPECT_THAT(mistake_of("age > duration('" + std::string{text} + "')"),
                HasSubstr("not a duration"))
        << text;
  }
  expect_errors({{"duration('315576000000s') + duration('1s')", "out of range"}});
}

TEST(CelTimes, timestamps_follow_rfc_3339) {
  expect_values({{"timestamp('2026-11-26T12:00:00Z') == now", "true"},
                 {"timestamp('2026-11-26T12:00:00.123456789Z')",
                  "timestamp(\"2026-11-26T12:00:00.123456789Z\")"},
                 {"timestamp('2026-11-26T13:30:00+01:30') == now", "true"},
                 {"timestamp('0001-01-01T00:00:00Z')", "timestamp(\"0001-01-01T00:00:00Z\")"},
                 {"timestamp('9999-12-31T23:59:59.999999999Z').getFullYear()", "9999"},
                 {"timestamp(0)", "timestamp(\"1970-01-01T00:00:00Z\")"},
                 {"int(now)", "1795694400"},
                 {"now - timestamp('2026-11-25T12:00:00Z')", "duration(\"86400s\")"},
                 {"now - duration('24h') < now", "true"},
                 {"duration('24h') + now > now", "true"},
                 {"timestamp('1969-12-31T23:59:59.5Z') + duration('1s')",
                  "timestamp(\"1970-01-01T00:00:00.5Z\")"},
                 {"string(now)", "\"2026-11-26T12:00:00Z\""}});
  for (const char* text :
       {"2026-11-26", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-26T24:00:00Z",
        "2026-11-26T12:00:00", "2026-11-26T12:00:60Z", "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00", "2026-11-26T12:00:00.Z", "2026-11-26T12:00:00Zx"}) {
    EXPECT_THAT(mistake_of("now > timestamp('" + std::string{text} + "')"),
                HasSubstr("not a timestamp"))
        << text;
  }
  expect_errors({{"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "out of range"},
                 {"timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "out of range"}});
}

TEST(CelTimes, parts_of_a_timestamp_count_as_cel_does) {
  // 2026-11-26 is a Thursday, the 330th day of its year.
  expect_values({{"now.getFullYear()", "2026"},
                 {"now.getMonth()", "10"},
                 {"now.getDate()", "26"},
                 {"now.getDayOfMonth()", "25"},
                 {"now.getDayOfWeek()", "4"},
                 {"now.getDayOfYear()", "329"},
                 {"now.getHours()", "12"},
                 {"now.getMinutes() + now.getSeconds() + now.getMilliseconds()", "0"},
                 {"now.getHours('-06:00')", "6"},
                 {"now.getHours('05:30') * 100 + now.getMinutes('+05:30')", "1730"},
                 {"now.getDate('+13:00')", "27"},
                 {"now.getHours('UTC')", "12"},
                 {"timestamp('1969-12-31T23:59:59.25Z').getMilliseconds()", "250"},
                 {"timestamp('1969-12-31T00:00:00Z').getDayOfWeek()", "3"}});
  EXPECT_THAT(mistake_of("now.getHours('nowhere') == 1"), HasSubstr("not a time zone"));
  expect_errors({{"now.getHours(path)", "not a time zone"}});
}

TEST(CelConversions, are_exact_or_fail) {
  expect_values({{"int('-12') + int(3.99) + int(-3.99) + int(7u)", "-5"},
                 {"uint('12') + uint(3.99) + uint(7)", "22u"},
                 {"uint(-0.5)", "0u"},
                 {"double('1.5') + double(2) + double(3u)", "6.5"},
                 {"string(1) + string(2u) + string(true) + string(-4.5e-3)", "\"12true-0.0045\""},
                 {"string(123.456)", "\"123.456\""},
                 {"string(b'abc') + string('x')", "\"abcx\""},
                 {"bytes('\\u00e9')", "b\"c3a9\""},
                 {"bool('true') && !bool('0')", "true"},
                 {"type(dyn(1)) == int", "true"}});
  expect_errors({{"int(9223372036854775808.0)", "overflows"},
                 {"int(-9223372036854775809.0)", "overflows"},
                 {"int(double('nan'))", "overflows"},
                 {"int(9223372036854775808u)", "overflows"},
                 {"int('1.5')", "not a whole number"},
                 {"int('')", "not a whole number"},
                 {"uint(-1)", "overflows"},
                 {"uint('-1')", "not a whole number"},
                 {"double('x')", "not a number"},
                 {"bool('yes')", "neither"},
                 {"string(b'\\xff')", "not UTF-8"}});
}

TEST(CelMistakes, point_at_the_place_and_help) {
  EXPECT_EQ(mistake_of("path.startsWith(\"/sales/\") &&\n\tsice >= 10"),
            "line 2, column 2: unknown variable \"sice\"\n  \tsice >= 10\n  \t^\n"
            "hint: did you mean \"size\"?");
  EXPECT_EQ(mistake_of("path.startWith('/a')"),
            "line 1, column 6: unknown function \"startWith\"\n  path.startWith('/a')\n"
            "       ^\nhint: did you mean \"startsWith\"?");
  EXPECT_THAT(mistake_of("age > 30"), HasSubstr("write durations as duration(\"720h\")"));
  EXPECT_THAT(mistake_of("age > '30d'"), HasSubstr("duration(\"720h\")"));
  EXPECT_THAT(mistake_of("now > '2026-01-01'"), HasSubstr("timestamp("));
  EXPECT_THAT(mistake_of("size == '10'"), HasSubstr("not \"1024\""));
  EXPECT_THAT(mistake_of("size > 10MB"), HasSubstr("write 10 * 1024 * 1024"));
  EXPECT_THAT(mistake_of("age > 30d"), HasSubstr("days times 24"));
  EXPECT_THAT(mistake_of("size = 1"), HasSubstr("write == to compare"));
  EXPECT_THAT(mistake_of("size > 1 and size < 3"), HasSubstr("write &&"));
  EXPECT_THAT(mistake_of("size > 1 & size < 3"), HasSubstr("write &&"));
  EXPECT_THAT(mistake_of("not has(tags.x)"), HasSubstr("write !"));
  EXPECT_THAT(mistake_of("path.size > 3"), HasSubstr("write size()"));
  EXPECT_THAT(mistake_of("startsWith(path, 'x')"), HasSubstr("write x.startsWith(...)"));
  EXPECT_THAT(mistake_of("path.startsWith(1)"), HasSubstr("it takes (string, string)"));
  EXPECT_THAT(mistake_of("path.contains('a', 'b')"), HasSubstr("not defined for"));
  EXPECT_THAT(mistake_of("'x' in path"), HasSubstr("write text.contains(part)"));
  EXPECT_THAT(mistake_of("size + 1"), HasSubstr("a condition is true or false, but this is int"));
  EXPECT_THAT(mistake_of("size && true"), HasSubstr("each side of \"&&\""));
  EXPECT_THAT(mistake_of("true ? 1 : 'a'"), HasSubstr("the two sides of \":\" differ"));
  EXPECT_THAT(mistake_of(""), HasSubstr("empty"));
  EXPECT_THAT(mistake_of("  // nothing"), HasSubstr("empty"));
  EXPECT_THAT(mistake_of("(size > 1"), HasSubstr("to close \"(\"; here is the end"));
  EXPECT_THAT(mistake_of("size >"), HasSubstr("a value is missing; here is the end"));
  EXPECT_THAT(mistake_of("size > 1)"), HasSubstr("does not go on an expression"));
  EXPECT_THAT(mistake_of("path == \xE2\x80\x9Cx\xE2\x80\x9D"), HasSubstr("plain quotes"));
  EXPECT_THAT(mistake_of("if == 1"), HasSubstr("reserved word"));
  EXPECT_THAT(mistake_of("Msg{a: 1} == 1"), HasSubstr("messages cannot be made"));
  EXPECT_THAT(mistake_of("path == '\xff'"), HasSubstr("not UTF-8"));
}

TEST(CelMistakes, the_column_counts_characters_and_long_lines_are_cut) {
  EXPECT_THAT(mistake_of("'\xC3\xA9\xC3\xA9' == x"), HasSubstr("line 1, column 9:"));
  const std::string padding(500, ' ');
  const std::string mistake = mistake_of(padding + "sizes > 1" + padding);
  EXPECT_THAT(mistake, HasSubstr("column 501"));
  EXPECT_LT(mistake.size(), 400U);
}

TEST(CelBounds, depth_and_size_are_refused_not_followed) {
  EXPECT_THAT(mistake_of(std::string(5000, '(')), HasSubstr("nested too deeply"));
  EXPECT_THAT(mistake_of(std::string(5000, '[')), HasSubstr("nested too deeply"));
  EXPECT_THAT(mistake_of(std::string(5000, '!') + "true"), HasSubstr("too many signs"));
  std::string sum = "1";
  for (int i = 0; i < 2000; ++i) sum += "+1";
  EXPECT_THAT(mistake_of(sum + " == 1"), HasSubstr("too deep"));
  EXPECT_THAT(mistake_of(std::string(20'000, ' ') + "true"), HasSubstr("longer than"));
  // What CEL asks of every implementation: chains of 32, nesting of 12.
  std::string chain = "size == 1";
  for (int i = 0; i < 31; ++i) chain += " + 1";
  EXPECT_EQ(mistake_of(chain), "compiles");
  EXPECT_EQ(mistake_of(std::string(20, '(') + "true" + std::string(20, ')')), "compiles");
  // Rules grow by || and &&: these chains are flat.
  std::string rules = "size == 0";
  for (int i = 0; i < 1000; ++i) rules += " || size == " + std::to_string(i);
  EXPECT_EQ(mistake_of(rules), "compiles");
}

TEST(CelBounds, work_and_memory_of_an_evaluation_end) {
  Entry entry;
  std::vector<std::string> many(3000, "x");
  const StringList list{many};
  entry.values.set(entry.backends, Value::list(list));
  auto slow = Program::compile("backend.all(a, backend.all(b, a == b)) || true", entry.known);
  ASSERT_TRUE(slow);
  auto result = slow->evaluate(entry.values);
  ASSERT_FALSE(result);  // not absorbed by || true
  EXPECT_THAT(result.error().why(), HasSubstr("too many steps"));
  auto large = Program::compile(
      "backend.map(a, backend).size() + backend.map(a, path + path + a)"
      ".map(b, b + b + b + b).map(b, b + b + b + b + b + b).size() > 0",
      entry.known);
  ASSERT_TRUE(large) << large.error().to_string();
  auto memory = large->evaluate(entry.values);
  ASSERT_FALSE(memory);
  EXPECT_THAT(memory.error().why(), HasSubstr("too much memory"));
}

TEST(CelProgram, tells_which_variables_it_reads) {
  Entry entry;
  auto program = Program::compile("size > 1 && path.startsWith('/a')", entry.known);
  ASSERT_TRUE(program);
  EXPECT_TRUE(program->reads(entry.size));
  EXPECT_FALSE(program->reads(entry.age));
  EXPECT_FALSE(program->reads(77));
  EXPECT_THAT(program->variables_read(), ElementsAre("path", "size"));
  EXPECT_EQ(program->source(), "size > 1 && path.startsWith('/a')");
}

TEST(CelProgram, tells_below_which_prefix_it_can_be_true) {
  Entry entry;
  auto prefix = [&](std::string_view source) {
    auto program = Program::compile(source, entry.known);
    EXPECT_TRUE(program) << program.error().to_string();
    return program ? program->required_prefix(entry.path) : "?";
  };
  EXPECT_EQ(prefix("path.startsWith('/sales/') && size > 1"), "/sales/");
  EXPECT_EQ(prefix("path.startsWith('/a/') && path.startsWith('/a/b/')"), "/a/b/");
  EXPECT_EQ(prefix("path.startsWith('/a/x') || path == '/a/y'"), "/a/");
  EXPECT_EQ(prefix("path in ['/b/1', '/b/2']"), "/b/");
  EXPECT_EQ(prefix("'/c' == path"), "/c");
  EXPECT_EQ(prefix("path.startsWith('/a/') || size > 1"), "");
  EXPECT_EQ(prefix("!path.startsWith('/a/')"), "");
  EXPECT_EQ(prefix("path.startsWith('/a/') || false"), "/a/");
  EXPECT_EQ(prefix("path.startsWith('/\xC3\xA9') || path.startsWith('/\xC3\xA8')"), "/");
  EXPECT_EQ(prefix("path.endsWith('.parquet')"), "");
}

}  // namespace
}  // namespace beringia::wire::cel
