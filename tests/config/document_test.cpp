// SPDX-License-Identifier: Apache-2.0
#include "referent/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/sample_config.h"
#include "referent/config/json.h"
#include "referent/config/reader.h"
#include "referent/config/writer.h"
#include "referent/core/error.h"

namespace referent::config {
namespace {

using referent::testing::SampleConfig;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DocumentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("referent-config-{}-{}", ::getpid(),
                          ::testing::UnitTest::GetInstance()->current_test_info()->name());
    make_folders(folder_ / "base");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Path write(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
    return folder_ / name;
  }

  static std::string error_of(const Path& file, const std::vector<std::string>& overrides = {}) {
    try {
      load_document(file, overrides);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  Path folder_;
};

TEST_F(DocumentTest, ExtendsMergesObjectsAndReplacesArrays) {
  write("base/grand.json", R"({"a": {"x": 1, "y": 2}, "list": [1, 2, 3], "keep": true})");
  write("base/base.json", R"({"extends": "grand.json", "a": {"y": 3, "z": {"q": 4}}})");
  const Path file = write("run.json", R"({"extends": "base/base.json", "a": {"z": {"r": 5}},
                                          "list": [9]})");
  const Document document = load_document(file);
  EXPECT_EQ(document.root(),
            parse_json(R"({"a": {"x": 1, "y": 3, "z": {"q": 4, "r": 5}}, "list": [9],
                           "keep": true})",
                       "expected"));
  EXPECT_THAT(document.origin("/a/x")->name, HasSubstr("grand.json"));
  EXPECT_THAT(document.origin("/a/y")->name, HasSubstr("base.json"));
  EXPECT_THAT(document.origin("/a/z/r")->name, HasSubstr("run.json"));
  EXPECT_THAT(document.origin("/list/0")->name, HasSubstr("run.json"));
  EXPECT_THAT(document.origin("/keep")->name, HasSubstr("grand.json"));
  EXPECT_EQ(document.origin("/nothing"), nullptr);
  EXPECT_EQ(document.origin("/list/7"), nullptr);
}

TEST_F(DocumentTest, PathsStartFromTheFileThatWroteThem) {
  write("base/base.json", R"({"name": "x", "output": "here", "train_data": [
      {"format": "jsonl", "path": "train.jsonl"}, {"format": "jsonl", "path": "more.jsonl"}]})");
  const Path file = write("run.json", R"({"extends": "base/base.json"})");
  const std::vector<std::string> overrides{"train_data.1.path=set.jsonl"};
  const auto config = parse<SampleConfig>(load_document(file, overrides));
  EXPECT_EQ(config.output, folder_ / "base/here");
  EXPECT_EQ(config.train_data[0].path, folder_ / "base/train.jsonl");
  EXPECT_EQ(config.train_data[1].path, std::filesystem::current_path() / "set.jsonl");
}

TEST_F(DocumentTest, RefusesCirclesLongChainsAndMissingBases) {
  write("a.json", R"({"extends": "b.json"})");
  const Path circle = write("b.json", R"({"extends": "base/../a.json"})");
  EXPECT_THAT(error_of(circle), AllOf(HasSubstr("\"/extends\""), HasSubstr("circle")));
  const Path missing = write("c.json", R"({"extends": "none.json"})");
  EXPECT_THAT(error_of(missing),
              AllOf(HasSubstr("c.json: at \"/extends\""), HasSubstr("none.json")));
  EXPECT_THAT(error_of(folder_ / "none.json"), HasSubstr("none.json"));
  EXPECT_THAT(error_of(folder_), HasSubstr("regular file"));
  EXPECT_THAT(error_of(write("d.json", R"({"extends": ["a.json"]})")), HasSubstr("\"/extends\""));
  EXPECT_THAT(error_of(write("e.json", "[]")), HasSubstr("expected an object"));
  write("chain16.json", "{}");
  for (int i = 15; i >= 0; --i) {
    write(fmt::format("chain{}.json", i), fmt::format(R"({{"extends": "chain{}.json"}})", i + 1));
  }
  EXPECT_EQ(error_of(folder_ / "chain1.json"), "");
  EXPECT_THAT(error_of(folder_ / "chain0.json"), HasSubstr("more than 16 files"));
}

TEST_F(DocumentTest, TextThatIsNoFileMayNotExtendOne) {
  EXPECT_THROW(parse_document(R"({"extends": "a.json"})", "metadata"), ConfigError);
}

TEST_F(DocumentTest, SetPutsValuesAnywhere) {
  const Path file = write("run.json", R"({"a": {"x": 1}, "list": [{"k": 1}, 2], "none": null})");
  const auto root = [&](const std::vector<std::string>& overrides) {
    return load_document(file, overrides).root();
  };
  EXPECT_EQ(root({"a.x=2"})["a"]["x"], 2);
  EXPECT_EQ(root({"a.x=text"})["a"]["x"], "text");
  EXPECT_EQ(root({"a.x=\"2\""})["a"]["x"], "2");
  EXPECT_EQ(root({"a.x="})["a"]["x"], "");
  EXPECT_EQ(root({"a.x=p=q"})["a"]["x"], "p=q");
  EXPECT_EQ(root({"a.new.deep=[1, true]"})["a"]["new"]["deep"].dump(), "[1,true]");
  EXPECT_EQ(root({"none.k=1"})["none"]["k"], 1);
  EXPECT_EQ(root({"list.0.k=5"})["list"][0]["k"], 5);
  EXPECT_EQ(root({"/a/with.dot~1=5"})["a"]["with.dot/"], 5);
  EXPECT_EQ(root({"a.x=1", "a.x=3"})["a"]["x"], 3);
}

TEST_F(DocumentTest, SetRefusesWhatNamesNoPlace) {
  const Path file = write("run.json", R"({"a": {"x": 1}, "list": [{"k": 1}, 2]})");
  for (const char* assignment :
       {"a.x", "=1", "a..x=1", ".a=1", "a.x.y=1", "list.2=1", "list.k=1", "list.-1=1", "list.0x=1",
        "list.99999999999999999999=1", "extends=b.json", "/a/~2=1", "/=1", "a=\xFF"}) {
    EXPECT_THAT(error_of(file, {assignment}), HasSubstr("--set ")) << assignment;
  }
}

TEST_F(DocumentTest, SettingsTellWhereEveryLeafIsFrom) {
  write("base.json", R"({"name": "x", "model": {"layers": 2, "dropout": 0.2}})");
  const Path file = write("run.json", R"({"extends": "base.json", "model": {"dropout": 0.3}})");
  const std::vector<std::string> overrides{"model.conditioning.rank=8"};
  const Document document = load_document(file, overrides);
  std::map<std::string, std::string> origins;
  for (const Setting& setting : settings(dump(parse<SampleConfig>(document)), document)) {
    origins[setting.pointer] = setting.origin;
  }
  EXPECT_EQ(origins.at("/name"), (folder_ / "base.json").string());
  EXPECT_EQ(origins.at("/model/layers"), (folder_ / "base.json").string());
  EXPECT_EQ(origins.at("/model/dropout"), (folder_ / "run.json").string());
  EXPECT_EQ(origins.at("/model/conditioning/rank"), "--set");
  EXPECT_EQ(origins.at("/model/conditioning/type"), "default");
  EXPECT_EQ(origins.at("/train_data"), "default");
  EXPECT_EQ(origins.count("/model"), 0U);
}

TEST_F(DocumentTest, ErrorsNameTheFileThatWroteTheValue) {
  write("base.json", R"({"name": "x", "model": {"layers": -2}})");
  const Path file = write("run.json", R"({"extends": "base.json", "model": {"dropout": 3}})");
  const std::vector<std::string> overrides{"model.conditioning.rank=0"};
  try {
    parse<SampleConfig>(load_document(file, overrides));
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("base.json: at \"/model/layers\""));
    EXPECT_THAT(error.what(), HasSubstr("run.json: at \"/model/dropout\""));
    EXPECT_THAT(error.what(), HasSubstr("--set: at \"/model/conditioning/rank\""));
  }
}

TEST_F(DocumentTest, FillCompletesBeneathWhatIsWritten) {
  Document document =
      parse_document(R"({"model": {"layers": 3, "conditioning": {"rank": 8}}})", "run.json");
  document.fill("/model",
                parse_json(R"({"layers": 6, "dropout": 0.5,
                                         "conditioning": {"rank": 64, "type": "law"}})",
                           "p"),
                {"preset law", {}});
  EXPECT_EQ(document.root()["model"].dump(),
            R"({"conditioning":{"rank":8,"type":"law"},"dropout":0.5,"layers":3})");
  EXPECT_EQ(document.origin("/model/layers")->name, "run.json");
  EXPECT_EQ(document.origin("/model/conditioning/type")->name, "preset law");
  EXPECT_THROW(document.fill("/none", {}, {"preset", {}}), ConfigError);
}

TEST_F(DocumentTest, AHugeFileIsRefusedUnread) {
  const Path file = folder_ / "huge.json";
  write_file(file, "{");
  std::filesystem::resize_file(file, 100 << 20);
  EXPECT_THAT(error_of(file), HasSubstr("104857600 bytes"));
}

}  // namespace
}  // namespace referent::config
