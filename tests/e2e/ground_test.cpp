// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "e2e/program.h"
#include "referent/core/hash.h"

namespace referent::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kExpression = "the red circle";

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::string png_chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  return big_endian(static_cast<std::uint32_t>(content.size())) + body +
         big_endian(crc32(std::as_bytes(std::span(body))));
}

class GroundTest : public ::testing::Test {
 protected:
  ProcessResult ground(const Path& image, const Words& more) const {
    Words words{"ground", tiny_.checkpoint(), image};
    words.insert(words.end(), more.begin(), more.end());
    return referent(words);
  }

  Path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
    return folder_.path() / name;
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(GroundTest, EveryExpressionGetsABoxInsideThePicture) {
  const ProcessResult result =
      ground(tiny_.picture(), {kExpression, "the square left of it", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_THAT(json["errors"], IsEmpty());
  ASSERT_THAT(json["predictions"], SizeIs(2));
  EXPECT_EQ(json["predictions"][0]["expression"], kExpression);
  EXPECT_EQ(json["predictions"][1]["expression"], "the square left of it");
  for (const Json& prediction : json["predictions"]) {
    EXPECT_EQ(prediction["image"], tiny_.picture().string());
    EXPECT_EQ(prediction["width"], 64);
    EXPECT_EQ(prediction["height"], 64);
    EXPECT_TRUE(prediction["score"].is_null());
    const Json& box = prediction["box"];
    ASSERT_THAT(box, SizeIs(4));
    EXPECT_LT(box[0], box[2]);
    EXPECT_LT(box[1], box[3]);
    for (const Json& coordinate : box) {
      EXPECT_GE(coordinate, 0.0);
      EXPECT_LE(coordinate, 64.0);
    }
  }
}

TEST_F(GroundTest, PeopleGetALineAnExpression) {
  const ProcessResult result = ground(tiny_.picture(), {kExpression, "Straße 图", "--quiet"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("[0-9.]+ [0-9.]+ [0-9.]+ [0-9.]+  the red"));
  EXPECT_THAT(result.out, HasSubstr("  Straße 图\n"));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(GroundTest, ThePictureIsDrawnAsPngAndJpeg) {
  for (const std::string name : {"found.png", "found.jpg"}) {
    const Path file = folder_.path() / name;
    EXPECT_THAT(ground(tiny_.picture(), {kExpression, "--out", file}), Fails(0, {file}));
    EXPECT_THAT(read_text_file(file), StartsWith(name == "found.png" ? "\x89PNG" : "\xFF\xD8\xFF"));
    const ProcessResult again = ground(file, {kExpression, "--json"});
    EXPECT_THAT(again, ExitsWith(0));
    EXPECT_GE(document(again)["predictions"][0]["width"], 64);
  }
  EXPECT_THAT(entries(folder_.path()), SizeIs(2));
  EXPECT_THAT(ground(tiny_.picture(), {kExpression, "--out", folder_.path()}), ExitsWith(0));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "val-000003.png"));
  EXPECT_THAT(ground(tiny_.picture(), {kExpression, "--out", folder_.path() / "found.gif"}),
              Fails(2, {"found.gif", ".png"}));
}

TEST_F(GroundTest, PicturesThatAreNoneAreToldWithTheirCause) {
  const Path drawn = folder_.path() / "whole.jpg";
  ASSERT_THAT(ground(tiny_.picture(), {kExpression, "--out", drawn}), ExitsWith(0));
  const std::string jpeg = read_text_file(drawn);
  const Path torn = write("torn.jpg", jpeg.substr(0, jpeg.size() / 2));
  EXPECT_THAT(ground(torn, {kExpression}), Fails(3, {torn}));
  const Path empty = write("empty.jpg", "");
  EXPECT_THAT(ground(empty, {kExpression}), Fails(3, {empty, "empty"}));
  const Path text = write("text.jpg", "This is no picture, whatever its name says.\n");
  EXPECT_THAT(ground(text, {kExpression}), Fails(3, {text, "JPEG"}));
  const Path missing = folder_.path() / "missing.png";
  EXPECT_THAT(ground(missing, {kExpression}), Fails(3, {missing, "No such file"}));
}

TEST_F(GroundTest, AHugePictureIsRefusedByItsHeader) {
  const std::string header =
      big_endian(32000) + big_endian(32000) + std::string("\x08\x02\0\0\0", 5);
  const Path huge = write("huge.png", "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) +
                                          png_chunk("IDAT", "x") + png_chunk("IEND", ""));
  EXPECT_THAT(ground(huge, {kExpression}), Fails(3, {huge, "32000", "pixels"}));
}

TEST_F(GroundTest, ExpressionsThatCannotBeMeantAreToldAtOnce) {
  const ProcessResult empty = ground(tiny_.picture(), {kExpression, " \t", "--json"});
  EXPECT_THAT(empty, Fails(2, {"expression is empty"}));
  EXPECT_THAT(empty.out, IsEmpty());
  EXPECT_THAT(ground(tiny_.picture(), {""}), Fails(2, {"expression"}));
  EXPECT_THAT(ground(tiny_.picture(), {"the \xff circle"}), Fails(2, {"UTF-8", "byte 4"}));
}

TEST_F(GroundTest, ALongExpressionIsGroundedByItsBeginningAndToldSo) {
  std::string many = kExpression;
  for (int i = 0; i < 10; ++i) many += " left of the blue square";
  const ProcessResult result = ground(tiny_.picture(), {many, kExpression, "--json"});
  EXPECT_THAT(result, Fails(0, {"warning", "12 tokens", many}));
  EXPECT_THAT(document(result)["predictions"], SizeIs(2));
  EXPECT_THAT(ground(tiny_.picture(), {kExpression}).err, Not(HasSubstr("warning")));
}

}  // namespace
}  // namespace referent::testing
