// SPDX-License-Identifier: Apache-2.0
#include "referent/data/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/data/dataset.h"
#include "referent/formats/index_file.h"
#include "referent/formats/refer.h"
#include "referent/image/encode.h"
#include "referent/text/config.h"
#include "support/temporary_folder.h"
#include "support/test_data.h"
#include "support/turned_jpeg.h"

namespace referent::data {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A picture of its own for every shade.
image::Image picture(std::int64_t width, std::int64_t height, std::uint8_t shade) {
  image::Image result(width, height);
  for (std::size_t i = 0; i < result.pixels.size(); ++i) {
    result.pixels[i] = static_cast<std::uint8_t>(shade + 7 * i);
  }
  return result;
}

/// A folder with JSON lines and pictures, sound until something is planted.
class CheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 4; ++i) {
      image::save_image(folder_.path() / fmt::format("{}.png", i),
                        picture(40, 30, static_cast<std::uint8_t>(50 * i)));
    }
  }

  static std::string line(const std::string& image, const std::string& expression,
                          const std::string& box = "[1, 2, 3, 4]", const std::string& more = "") {
    return fmt::format(R"({{"image": "{}", "expression": "{}", "box": {}{}}})"
                       "\n",
                       image, expression, box, more);
  }

  static std::string sound_lines() {
    return line("0.png", "red") + line("1.png", "green") + line("2.png", "blue");
  }

  CheckedDataset dataset(const std::string& name, const std::string& lines) const {
    write_file(folder_.path() / name, lines);
    CheckedDataset result;
    result.name = name;
    result.config.path = folder_.path() / name;
    return result;
  }

  static CheckOptions options() {
    static const std::shared_ptr<const text::Tokenizer> tokenizer = text::make_tokenizer({});
    CheckOptions result;
    result.tokenizer = tokenizer;
    result.length = 20;
    result.workers = 2;
    return result;
  }

  static CheckReport check(const std::vector<CheckedDataset>& datasets) {
    return check_datasets(datasets, options());
  }

  CheckReport check_lines(const std::string& lines) const {
    return check({dataset("set.jsonl", lines)});
  }

  void put(const std::string& name, std::span<const std::byte> bytes) const {
    write_file(folder_.path() / name, bytes);
  }

  testing::TemporaryFolder folder_;
};

std::int64_t count_of(const CheckReport& report, FindingKind kind) {
  std::int64_t count = 0;
  for (const Finding& finding : report.findings) count += finding.kind == kind ? finding.count : 0;
  return count;
}

TEST_F(CheckTest, ASoundDataSetHasNoFindings) {
  const CheckReport report = check_lines(sound_lines());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.faults(), 0);
  EXPECT_EQ(report.pictures, 3);
  ASSERT_EQ(report.splits.size(), 1U);
  EXPECT_EQ(report.splits[0].counts, (Counts{3, 3, 3}));
  EXPECT_THAT(report_table(report), HasSubstr("sound: 1 splits, 3 expressions, 3 pictures"));
}

/// Something wrong, planted into a sound data set.
struct Planted {
  const char* name;
  FindingKind kind;
  std::string lines;
  std::function<void(const Path& folder)> prepare = {};
};

std::vector<std::byte> half(std::vector<std::byte> bytes) {
  bytes.resize(bytes.size() / 2);
  return bytes;
}

TEST_F(CheckTest, EveryPlantedFaultIsFoundAndNothingElse) {
  using Kind = FindingKind;
  const auto file = [](const char* name, std::vector<std::byte> bytes) {
    return
        [name, bytes = std::move(bytes)](const Path& folder) { write_file(folder / name, bytes); };
  };
  const auto text = [](std::string_view content) {
    const auto bytes = std::as_bytes(std::span(content));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const auto png = image::encode_png(picture(40, 30, 33));
  const auto jpeg = image::encode_jpeg(picture(40, 30, 33));
  std::string words;
  for (int i = 0; i < 30; ++i) words += "word ";
  const auto webp =
      read_file(Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "image" / "lossy.webp");
  const std::string x = line("x.png", "x");
  const std::vector<Planted> faults{
      {"no such image", Kind::kImageMissing, x},
      {"0 bytes", Kind::kImageEmpty, x, file("x.png", {})},
      {"half a JPEG", Kind::kImageTorn, x, file("x.png", half(jpeg))},
      {"half a PNG", Kind::kImageTorn, x, file("x.png", half(png))},
      {"half a WebP", Kind::kImageTorn, x, file("x.png", half(webp))},
      {"a text file", Kind::kImageType, x, file("x.png", text("not a picture"))},
      {"another size", Kind::kImageSize,
       line("3.png", "x", "[1, 2, 3, 4]", R"(, "width": 80, "height": 60)")},
      {"the same bytes", Kind::kSameBytes, x, file("x.png", image::encode_png(picture(40, 30, 0)))},
      {"the same name", Kind::kSameName, line("sub/1.png", "x"),
       [png](const Path& folder) {
         make_folders(folder / "sub");
         write_file(folder / "sub" / "1.png", png);
       }},
      {"EXIF", Kind::kImageTurned, x, file("x.png", testing::turned_jpeg(picture(40, 30, 90), 6))},
      {"no box", Kind::kBoxNone, line("3.png", "x", "null")},
      {"a NaN", Kind::kBoxNotFinite, line("3.png", "NaN", "[1, NaN, 3, 4]")},
      {"an infinity", Kind::kBoxNotFinite, line("3.png", "x", "[1, 2, -Infinity, 4]")},
      {"beyond an int", Kind::kBoxOverflow, line("3.png", "x", "[2147483000, 2, 3000, 4]")},
      {"x2 < x1", Kind::kBoxInverted, line("3.png", "x", "[10, 2, -3, 4]")},
      {"no width", Kind::kBoxNoArea, line("3.png", "x", "[10, 2, 0, 4]")},
      {"x1 < 0", Kind::kBoxNegative, line("3.png", "x", "[-5, 2, 8, 4]")},
      {"beyond the image", Kind::kBoxOutside, line("3.png", "x", "[30, 2, 30, 4]")},
      {"no words", Kind::kTextEmpty, line("3.png", "")},
      {"spaces", Kind::kTextBlank, line("3.png", " \\t\\u00a0\\u3000")},
      {"too many words", Kind::kTextLong, line("3.png", words)},
      {"a control character", Kind::kTextControl, line("3.png", "red\\u0007ball")},
      {"a C1 control", Kind::kTextControl, line("3.png", "red\\u0085ball")},
      {"no UTF-8", Kind::kTextUtf8, line("3.png", "caf\xe9")},
      {"overlong UTF-8", Kind::kTextUtf8, line("3.png", "caf\xc0\xaf")},
      {"a lost character", Kind::kTextUtf8, line("3.png", "caf\\ufffd")},
      {"said twice", Kind::kExampleTwice, line("1.png", "green")},
      {"an id twice", Kind::kIdTwice,
       line("3.png", "x", "[1, 2, 3, 4]", R"(, "id": 7)") +
           line("3.png", "y", "[1, 2, 3, 4]", R"(, "id": 7)")},
      {"a broken line", Kind::kEntry, "{\"image\": \"3.png\"\n"},
      {"a box of three", Kind::kEntry, line("3.png", "x", "[1, 2, 3]")},
      {"half an outline", Kind::kMask,
       line("3.png", "x", "[1, 2, 3, 4]", R"(, "mask": [[1, 2, 3, 4]])")}};
  std::set<Kind> kinds;
  for (const Planted& planted : faults) {
    if (planted.prepare) planted.prepare(folder_.path());
    const CheckReport report = check_lines(sound_lines() + planted.lines);
    ASSERT_EQ(report.findings.size(), 1U) << planted.name << ": " << report_table(report);
    EXPECT_EQ(report.findings[0].kind, planted.kind) << planted.name;
    EXPECT_EQ(report.findings[0].count, 1) << planted.name;
    EXPECT_EQ(report.findings[0].examples.size(), 1U) << planted.name;
    EXPECT_EQ(report.findings[0].is_fault, planted.kind != Kind::kImageTurned) << planted.name;
    kinds.insert(planted.kind);
    std::filesystem::remove(folder_.path() / "x.png");
    std::filesystem::remove_all(folder_.path() / "sub");
  }
  std::printf("planted faults: %zu of %zu found, of %zu kinds, none taken for another\n",
              faults.size(), faults.size(), kinds.size());
  // kCount and kLeak have tests of their own.
  EXPECT_EQ(kinds.size(), config::EnumNames<Kind>::kNames.size() - 2);
}

TEST_F(CheckTest, AllowedKindsAndSkippedImagesAreNotes) {
  CheckedDataset set = dataset("set.jsonl", sound_lines() + line("x.png", "x"));
  CheckOptions allowing = options();
  allowing.allowed = {FindingKind::kImageMissing};
  EXPECT_EQ(check_datasets(std::vector{set}, allowing).faults(), 0);
  EXPECT_EQ(check({set}).faults(), 1);
  set.config.missing = MissingImages::kSkip;
  const CheckReport report = check({set});
  EXPECT_EQ(report.faults(), 0);
  EXPECT_EQ(count_of(report, FindingKind::kImageMissing), 1);
}

TEST_F(CheckTest, PicturesNeedNotBeOpened) {
  write_file(folder_.path() / "x.png", "");
  const auto set = dataset("set.jsonl", line("x.png", "x") + line("y.png", "y"));
  CheckOptions looking = options();
  looking.pictures = Pictures::kFind;
  CheckReport report = check_datasets(std::vector{set}, looking);
  EXPECT_EQ(report.faults(), 1);
  EXPECT_EQ(count_of(report, FindingKind::kImageMissing), 1);
  EXPECT_EQ(report.pictures, 0);
  looking.pictures = Pictures::kIgnore;
  EXPECT_EQ(check_datasets(std::vector{set}, looking).faults(), 0);
}

TEST_F(CheckTest, ImagesSharedWithTrainingAreFoundByNameNumberAndContent) {
  put("COCO_train2014_000000000009.png", image::encode_png(picture(40, 30, 110)));
  put("000000000009.png", image::encode_png(picture(40, 30, 120)));
  put("copy.png", image::encode_png(picture(40, 30, 0)));  // of 0.png
  const auto train = dataset("set_train.jsonl", line("0.png", "a") + line("1.png", "b") +
                                                    line("COCO_train2014_000000000009.png", "c"));
  const auto val = dataset("set_val.jsonl", line("copy.png", "a") + line("1.png", "b") +
                                                line("000000000009.png", "c") + line("2.png", "d") +
                                                line("1.png", "again"));
  const CheckReport report = check({train, val});
  ASSERT_EQ(report.findings.size(), 1U) << report_table(report);
  EXPECT_EQ(report.findings[0].kind, FindingKind::kLeak);
  EXPECT_EQ(report.findings[0].dataset, "set_val");
  EXPECT_EQ(report.findings[0].count, 3);
  EXPECT_THAT(report.findings[0].examples, Contains(HasSubstr("1.png is in set_train too")));
  EXPECT_THAT(report.findings[0].examples, Contains(HasSubstr("copy.png is 0.png of set_train")));
  EXPECT_TRUE(report.splits[0].training);
  EXPECT_FALSE(report.splits[1].training);
  // What a configuration trains on is for training whatever its name.
  auto both = std::vector{train, val};
  both[0].training = false;
  EXPECT_EQ(check(both).faults(), 0);
}

TEST_F(CheckTest, UnreadableFilesDoNotHideTheOthers) {
  const auto good = dataset("set.jsonl", line("x.png", "x"));
  CheckedDataset absent;
  absent.name = "absent";
  absent.config.path = folder_.path() / "absent.jsonl";
  const CheckReport report = check({absent, good});
  ASSERT_EQ(report.unreadable.size(), 1U);
  EXPECT_EQ(report.unreadable[0].first, "absent");
  EXPECT_EQ(report.faults(), 1);
  const auto document = nlohmann::json::parse(report_json(report));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["sound"], false);
  EXPECT_EQ(document["errors"][0]["dataset"], "absent");
  EXPECT_EQ(document["findings"][0]["kind"], "image_missing");
}

TEST_F(CheckTest, TheTableObeysNoControlCharacter) {
  const CheckReport report = check_lines(line("0.png", "\\u001b[31mred"));
  EXPECT_THAT(report_table(report), HasSubstr("\\x1b[31mred"));
  EXPECT_EQ(report_table(report).find('\x1b'), std::string::npos);
}

TEST_F(CheckTest, BoxesOfReferAndIndexFilesAreCountedByKind) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  make_folders(folder_.path() / "referit");
  formats::write_index(folder_.path() / "referit" / "referit_x.pth",
                       {{"0.png", "0_1.pth", {3, 4, 9, 9}, "sound"},
                        {"0.png", "0_2.pth", {9, 4, 3, 9}, "inverted"},
                        {"0.png", "0_3.pth", {nan, 4, 3, 9}, "no number"},
                        {"0.png", "0_4.pth", {3, 4, 3, 9}, "no width"},
                        {"0.png", "0_5.pth", {3, 4, 3e9, 9}, "far"}},
                       false);
  CheckedDataset index;
  index.config.format = DatasetFormat::kIndex;
  index.config.path = folder_.path() / "referit";
  index.config.images = folder_.path();
  formats::Instances instances;
  instances.images.push_back({1, "0.png", 40, 30});
  instances.images.push_back({2, "0.png", 40, 30});
  formats::Annotation annotation;
  annotation.id = 5;
  annotation.image_id = 1;
  annotation.category_id = 1;
  instances.annotations.push_back(annotation);
  annotation.id = 6;
  annotation.bbox = {35, 2, 30, 4};
  instances.annotations.push_back(annotation);
  instances.annotations.push_back(annotation);
  make_folders(folder_.path() / "refer");
  formats::write_instances(folder_.path() / "refer" / "instances.json", instances);
  formats::write_references(folder_.path() / "refer" / "refs(me).p",
                            {{1, 5, 1, 1, "0.png", "val", {{1, "a", "a"}}},
                             {2, 6, 1, 1, "0.png", "val", {{2, "b", "b"}}},
                             {3, 7, 1, 1, "0.png", "val", {{3, "c", "c"}}}});
  CheckedDataset refer = index;
  refer.config.format = DatasetFormat::kRefer;
  refer.config.path = folder_.path() / "refer";
  const CheckReport report = check({index, refer});
  using Kind = FindingKind;
  for (const auto& [kind, count] :
       {std::pair{Kind::kBoxInverted, 1}, std::pair{Kind::kBoxNotFinite, 1},
        std::pair{Kind::kBoxNoArea, 1}, std::pair{Kind::kBoxOverflow, 1},
        std::pair{Kind::kBoxNone, 1}, std::pair{Kind::kBoxOutside, 1}, std::pair{Kind::kEntry, 1},
        std::pair{Kind::kIdTwice, 1}, std::pair{Kind::kSameName, 1}}) {
    EXPECT_EQ(count_of(report, kind), count) << static_cast<int>(kind);
  }
  EXPECT_EQ(report.faults(), 9) << report_table(report);
}

}  // namespace
}  // namespace referent::data
