// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/fixtures.h"
#include "referent/core/error.h"

namespace referent::formats::pickle {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

Value parse_text(const std::string& text) {
  return read(testing::as_bytes(text), "pickle");
}

class PickleProtocolTest : public ::testing::TestWithParam<int> {
 protected:
  Value load() const {
    return parse_text(
        read_text_file(testing::fixture("values_protocol" + std::to_string(GetParam()) + ".p")));
  }
  Value at(const char* key) const {
    const auto found = load().find(key);
    if (!found) throw std::runtime_error(key);
    return *found;
  }
};

TEST_P(PickleProtocolTest, ReadsPlainValues) {
  EXPECT_TRUE(at("none").is(Kind::kNone));
  EXPECT_TRUE(at("true").as_bool());
  EXPECT_FALSE(at("false").as_bool());
  EXPECT_EQ(at("zero").as_int(), 0);
  EXPECT_EQ(at("small").as_int(), 200);
  EXPECT_EQ(at("negative").as_int(), -3);
  EXPECT_EQ(at("medium").as_int(), 70000);
  EXPECT_EQ(at("big").as_int(), std::int64_t{1} << 40U);
  EXPECT_EQ(at("huge").text(), "-1180591620717411303424");
  EXPECT_EQ(at("float").as_double(), -1.25);
  EXPECT_EQ(at("text").text(), "a\n\\u\xc3\xa9\xe7\x8c\xab");
  EXPECT_EQ(at("bytes").text(), "\x00\xff"s);
  EXPECT_EQ(at("array").text(), "xy");
}

TEST_P(PickleProtocolTest, ReadsContainers) {
  EXPECT_EQ(at("list").at(1).at(0).as_int(), 2);
  EXPECT_EQ(at("tuple").size(), 4U);
  EXPECT_EQ(at("tuple").at(3).as_int(), 4);
  EXPECT_EQ(at("pair").at(1).as_int(), 2);
  EXPECT_EQ(at("empty").size(), 0U);
  EXPECT_EQ(at("set").at(0).as_int(), 5);
  EXPECT_EQ(at("frozen").at(0).as_int(), 6);
  const auto ordered = at("ordered").items();
  ASSERT_EQ(ordered.size(), 2U);
  EXPECT_EQ(ordered[0].first.text(), "b");
  EXPECT_EQ(ordered[1].second.as_int(), 2);
  EXPECT_EQ(at("default").find("k")->at(0).as_int(), 1);
}

TEST_P(PickleProtocolTest, KeepsUnknownObjectsInert) {
  const Value object = at("namespace");
  EXPECT_EQ(object.describe(), "an object of argparse.Namespace");
  EXPECT_EQ(object.find("lr")->as_double(), 0.5);
  EXPECT_FALSE(object.find("absent").has_value());
  EXPECT_EQ(at("complex").arguments().at(1).as_double(), 2.0);
}

TEST_P(PickleProtocolTest, ReadsNumpyArraysAndScalars) {
  EXPECT_EQ(at("scalar").as_double(), 0.75);
  EXPECT_EQ(at("count").as_int(), -4);
  EXPECT_EQ(at("matrix").tensor().values<std::int16_t>(),
            (std::vector<std::int16_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(describe(at("fortran").tensor()), "float32 [2, 3]");
  EXPECT_EQ(at("fortran").tensor().values<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(at("big_endian").tensor().values<double>(), (std::vector<double>{0, 1, 2}));
}

INSTANTIATE_TEST_SUITE_P(AllProtocols, PickleProtocolTest, ::testing::Range(0, 6));

TEST(PickleTest, DecodesPython2StringsAsUtf8OrLatin1) {
  EXPECT_EQ(parse_text("S'caf\\xc3\\xa9'\n.").text(), "caf\xc3\xa9");
  EXPECT_EQ(parse_text("S'caf\\xe9'\n.").text(), "caf\xc3\xa9");
  EXPECT_EQ(parse_text("U\x04"s + "caf\xe9.").text(), "caf\xc3\xa9");
  EXPECT_EQ(parse_text("T\x02\x00\x00\x00"s + "ab.").text(), "ab");
  EXPECT_EQ(parse_text(R"(S"a\t\'\"\\\101\x42")"s + "\n.").text(), "a\t'\"\\AB");
  EXPECT_EQ(parse_text("Va\\u00e9\\U0001f600\xe9\\\n.").text(),
            "a\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9\\");
}

TEST(PickleTest, ReadsIntegersOfAllSizes) {
  EXPECT_EQ(parse_text("L-9223372036854775808L\n.").as_int(), INT64_MIN);
  EXPECT_EQ(parse_text("L9223372036854775808L\n.").text(), "9223372036854775808");
  EXPECT_EQ(parse_text("\x8a\x00."s).as_int(), 0);
  EXPECT_EQ(parse_text("\x8a\x01\xff.").as_int(), -1);
  EXPECT_EQ(parse_text("\x8a\x02\x00\x80."s).as_int(), -32768);
  EXPECT_EQ(parse_text("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s).as_int(), INT64_MIN);
  EXPECT_EQ(parse_text("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s).text(),
            "9223372036854775808");
}

TEST(PickleTest, LastOfEqualKeysCounts) {
  EXPECT_EQ(parse_text("}(U\x01"s + "aK\x01U\x01" + "aK\x02u.").find("a")->as_int(), 2);
}

TEST(PickleTest, SharedValuesAreSharedAndCyclesAreAllowed) {
  const Value value = parse_text("]q\x01(h\x01K\x07"s + "e.");
  EXPECT_EQ(value.at(0).at(0).at(1).as_int(), 7);
}

TEST(PickleTest, DepthNeitherOverflowsReadingNorDestruction) {
  constexpr std::size_t kDepth = 1'000'000;
  Value value = parse_text(std::string(kDepth, ']') + std::string(kDepth - 1, 'a') + ".");
  std::size_t depth = 1;
  while (value.size() == 1) {
    value = value.at(0);
    ++depth;
  }
  EXPECT_EQ(depth, kDepth);
}

TEST(PickleTest, WrongKindsSayWhatWasFound) {
  const Value value = parse_text(
      "](K\x01U\x02hiN"
      "e.");
  const auto message = [](auto call) {
    try {
      call();
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(message([&] { value.at(0).text(); }),
              HasSubstr("expected a string, found the int 1"));
  EXPECT_THAT(message([&] { value.at(1).as_int(); }), HasSubstr("found the string 'hi'"));
  EXPECT_THAT(message([&] { value.at(3); }), HasSubstr("at least 4 elements, found 3"));
  EXPECT_THAT(message([&] { value.find("a"); }), HasSubstr("expected a dictionary, found a list"));
  EXPECT_THAT(message([&] { value.at(2).size(); }), HasSubstr("found None"));
}

TEST(PickleTest, RefusesBytesBehindThePickle) {
  EXPECT_THROW(parse_text("N.x"), DataError);
}

}  // namespace
}  // namespace referent::formats::pickle
