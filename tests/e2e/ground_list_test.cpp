// SPDX-License-Identifier: Apache-2.0
// Many expressions about many pictures in one call of `ground`.
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroundListTest : public ::testing::Test {
 protected:
  ProcessResult ground(const Words& more, const std::string& input = {}) const {
    Words words{"ground", tiny_.checkpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return Process(program(), words, {.environment = {{"OMP_NUM_THREADS", "1"}}, .input = input})
        .wait();
  }

  Path picture(int number) const {
    return tiny_.scenes() / "images" / ("val-00000" + std::to_string(number) + ".png");
  }

  static std::string line(const Path& image, const std::string& expression) {
    return Json({{"image", image.string()}, {"expression", expression}}).dump() + "\n";
  }

  Path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }

  Path at(const std::string& name) const { return folder_.path() / name; }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

void expect_same_boxes(const Json& one, const Json& other) {
  EXPECT_EQ(one["expression"], other["expression"]);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(one["box"][k].get<double>(), other["box"][k].get<double>(), 1e-3);
  }
}

TEST_F(GroundListTest, AListGivesWhatSingleCallsGive) {
  const std::string lines = line(picture(1), "the red circle") + line(picture(2), "star") + "\n" +
                            line(picture(1), "the square on the left") + line(picture(3), "top");
  const ProcessResult result = ground({"--list", write("list.jsonl", lines), "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  EXPECT_THAT(json["errors"], IsEmpty());
  ASSERT_THAT(json["predictions"], SizeIs(4));  // in the order of the list
  const std::vector<std::pair<int, std::string>> tasks{
      {1, "the red circle"}, {2, "star"}, {1, "the square on the left"}, {3, "top"}};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto& [number, expression] = tasks[i];
    EXPECT_EQ(json["predictions"][i]["image"], picture(number).string());
    expect_same_boxes(json["predictions"][i],
                      document(ground({picture(number), expression, "--json"}))["predictions"][0]);
  }
  EXPECT_EQ(document(ground({"--list", "-", "--json"}, lines)), json);
}

TEST_F(GroundListTest, ABadLineDoesNotStopTheRest) {
  write("torn.png", read_text_file(picture(1)).substr(0, 500));
  const std::string lines =
      line(picture(1), "star") + "{\"image\": \n" + line(at("absent.png"), "star") +
      line(picture(2), " ") + line(at("torn.png"), "circle") + "{\"image\": 7}\n" +
      line(at("torn.png"), "square") + line(picture(2), "top") +
      line(std::string(5000, 'a'), "star") + R"({"image": "a.png\u0000", "expression": "star"})";
  const ProcessResult result =
      ground({"--list", write("list.jsonl", lines), "--out", at("drawn"), "--json"});
  EXPECT_THAT(result, Fails(3, {"list.jsonl:2", "list.jsonl:3", "absent.png", "torn.png"}));
  const Json json = document(result);
  ASSERT_THAT(json["predictions"], SizeIs(2));
  EXPECT_EQ(json["predictions"][1]["expression"], "top");
  std::vector<int> wrong;
  for (const Json& error : json["errors"]) {
    wrong.push_back(error["line"]);
    EXPECT_TRUE(error["image"].is_string());
    EXPECT_FALSE(error["message"].get<std::string>().empty());
  }
  EXPECT_THAT(wrong, ElementsAre(2, 3, 4, 5, 6, 7, 9, 10));
  EXPECT_EQ(json["errors"][3]["image"], at("torn.png").string());
  EXPECT_THAT(entries(at("drawn")), ElementsAre("val-000001.png", "val-000002.png"));
}

TEST_F(GroundListTest, NamesInAListAreLookedForBesideItToo) {
  fs::copy_file(picture(1), at("mine.png"));
  const Path list = write("list.jsonl", R"({"image": "mine.png", "expression": "star"})");
  EXPECT_THAT(ground({"--list", list}), ExitsWith(0));
  EXPECT_THAT(ground({"--list", "-"}, read_text_file(list)), Fails(3, {"standard input:1"}));
  EXPECT_THAT(ground({"--list", write("empty.jsonl", "\n")}), Fails(3, {"empty.jsonl"}));
  EXPECT_THAT(ground({"--list", at("absent.jsonl")}), Fails(3, {"absent.jsonl"}));
}

TEST_F(GroundListTest, AFolderIsGroundedPictureByPicture) {
  const Path folder = at("photos");
  fs::create_directory(folder);
  fs::copy_file(picture(1), folder / "b.PNG");
  fs::copy_file(picture(2), folder / "a.png");
  std::ofstream(folder / "notes.txt") << "no picture";
  std::ofstream(folder / "c.jpg") << "no picture either";
  const ProcessResult result = ground({folder, "star", "top", "--out", at("drawn"), "--json"});
  EXPECT_THAT(result, Fails(3, {"c.jpg"}));
  const Json json = document(result);
  ASSERT_THAT(json["predictions"], SizeIs(4));
  EXPECT_EQ(json["predictions"][0]["image"], (folder / "a.png").string());
  EXPECT_EQ(json["predictions"][3]["image"], (folder / "b.PNG").string());
  ASSERT_THAT(json["errors"], SizeIs(1));
  EXPECT_FALSE(json["errors"][0].contains("line"));
  EXPECT_EQ(json["errors"][0]["image"], (folder / "c.jpg").string());
  EXPECT_THAT(entries(at("drawn")), ElementsAre("a.png", "b.png"));
  EXPECT_THAT(ground({folder, "star", "-q"}).out, HasSubstr((folder / "a.png").string() + "  "));

  fs::create_directory(at("none"));
  EXPECT_THAT(ground({at("none"), "star"}), Fails(3, {"none", ".jpg"}));
}

TEST_F(GroundListTest, DrawingsReplaceNeitherEachOtherNorTheirPictures) {
  fs::create_directories(at("one"));
  fs::copy_file(picture(1), at("one/a.png"));
  fs::copy_file(picture(2), at("a.png"));
  const std::string lines = line(at("one/a.png"), "star") + line(at("a.png"), "star");
  EXPECT_THAT(ground({"--list", "-", "--out", at("drawn")}, lines), ExitsWith(0));
  EXPECT_THAT(entries(at("drawn")), ElementsAre("a-2.png", "a.png"));
  const std::string before = read_text_file(at("a.png"));
  EXPECT_THAT(ground({"--list", "-", "--out", folder_.path()}, lines),
              Fails(2, {"a.png", "would replace"}));
  EXPECT_THAT(ground({at("a.png"), "star", "--out", at("a.png")}), Fails(2, {"would replace"}));
  EXPECT_EQ(read_text_file(at("a.png")), before);
}

TEST_F(GroundListTest, SomethingMustBeAskedInOneWay) {
  EXPECT_THAT(ground({}), Fails(2, {"--list"}));
  EXPECT_THAT(ground({picture(1)}), Fails(2, {"expression"}));
  EXPECT_THAT(ground({picture(1), "star", "--list", "-"}), Fails(2, {"--list"}));
}

TEST_F(GroundListTest, BFloat16IsNearFloat32) {
  const Json expected = document(ground({picture(1), "star", "--json"}))["predictions"][0];
  const Json low =
      document(ground({picture(1), "star", "--dtype", "bfloat16", "--json"}))["predictions"][0];
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(low["box"][k].get<double>(), expected["box"][k].get<double>(), 1.0);
  }
  EXPECT_NE(low["box"], expected["box"]);
}

}  // namespace
}  // namespace referent::testing
