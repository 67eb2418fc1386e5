// SPDX-License-Identifier: Apache-2.0
#include "referent/image/draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "fixtures.h"
#include "referent/core/file.h"
#include "support/temporary_folder.h"

namespace referent::image {
namespace {

constexpr Color kWhite{255, 255, 255};

Image grey_picture(std::int64_t width, std::int64_t height) {
  Image image(width, height);
  std::fill(image.pixels.begin(), image.pixels.end(), 128);
  return image;
}

Color color_at(const Image& image, std::int64_t x, std::int64_t y) {
  const std::uint8_t* pixel = image.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

/// Pixels of white on black, parts counted.
double covered_area(const Image& image) {
  double sum = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) sum += image.pixels[i] / 255.0;
  return sum;
}

std::int64_t count_pixels(const Image& image, Color color) {
  std::int64_t count = 0;
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) count += color_at(image, x, y) == color;
  }
  return count;
}

/// The smallest rectangle of whole pixels that differs.
Box changed_area(const Image& before, const Image& after) {
  Box area{1e9, 1e9, -1e9, -1e9};
  for (std::int64_t y = 0; y < before.height; ++y) {
    for (std::int64_t x = 0; x < before.width; ++x) {
      if (color_at(before, x, y) == color_at(after, x, y)) continue;
      const auto left = static_cast<double>(x);
      const auto top = static_cast<double>(y);
      area = {std::min(area.x1, left), std::min(area.y1, top), std::max(area.x2, left + 1),
              std::max(area.y2, top + 1)};
    }
  }
  return area;
}

bool has_font() {
  const Image image = grey_picture(64, 48);
  const Annotation with{{}, kWhite, "label"};
  const Annotation without{{}, kWhite, ""};
  return draw_annotations(image, {&with, 1}).pixels !=
         draw_annotations(image, {&without, 1}).pixels;
}

TEST(ShapeTest, ASquareOnThePixelGridIsExact) {
  Image image(40, 30);
  const std::vector<Point> square{{10, 5}, {20, 5}, {20, 15}, {10, 15}};
  fill_polygon(image, square, kWhite);
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const bool inside = x >= 10 && x < 20 && y >= 5 && y < 15;
      ASSERT_EQ(color_at(image, x, y), inside ? kWhite : Color{}) << x << ", " << y;
    }
  }
}

TEST(ShapeTest, AreasAreRightOffTheGrid) {
  Image triangle(100, 100);
  fill_polygon(triangle, std::vector<Point>{{10.3, 12.7}, {90.1, 20.2}, {40.5, 88.8}}, kWhite);
  const double area = 0.5 * std::abs((90.1 - 10.3) * (88.8 - 12.7) - (40.5 - 10.3) * (20.2 - 12.7));
  EXPECT_NEAR(covered_area(triangle), area, 0.02 * area);

  Image circle(100, 100);
  fill_circle(circle, {50.25, 49.5}, 30, kWhite);
  EXPECT_NEAR(covered_area(circle), M_PI * 900, 0.01 * M_PI * 900);
}

TEST(ShapeTest, ShapesAreCutAtThePicture) {
  Image image(20, 20);
  fill_circle(image, {0, 0}, 10, kWhite);
  EXPECT_NEAR(covered_area(image), M_PI * 25, 4);
  Image full(20, 20);
  fill_polygon(full, std::vector<Point>{{-1e12, -1e12}, {1e12, -1e12}, {1e12, 1e12}, {-1e12, 1e12}},
               kWhite);
  EXPECT_EQ(count_pixels(full, kWhite), 400);
  Image none(20, 20);
  fill_circle(none, {200, 200}, 10, kWhite);
  fill_polygon(none, std::vector<Point>{{0, 0}, {10, 10}}, kWhite);
  EXPECT_EQ(count_pixels(none, Color{}), 400);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(fill_circle(none, {nan, 0}, 1, kWhite), std::logic_error);
  EXPECT_THROW(fill_polygon(none, std::vector<Point>{{0, 0}, {nan, 1}, {1, 1}}, kWhite),
               std::logic_error);
}

TEST(OverlayTest, TheOutlineLiesOnTheBox) {
  const Image image = grey_picture(400, 300);
  const Annotation annotation{{100, 80, 300, 200}, kTargetColor, ""};
  const Image drawn = draw_annotations(image, {&annotation, 1});
  for (const auto& [x, y] :
       {std::pair{100, 140}, std::pair{299, 140}, std::pair{200, 80}, std::pair{200, 199}}) {
    EXPECT_EQ(color_at(drawn, x, y), kTargetColor) << x << ", " << y;
  }
  EXPECT_EQ(color_at(drawn, 200, 140), color_at(image, 200, 140));
  const Box area = changed_area(image, drawn);
  EXPECT_NEAR(area.x1, 100, 4);
  EXPECT_NEAR(area.y1, 80, 4);
  EXPECT_NEAR(area.x2, 300, 4);
  EXPECT_NEAR(area.y2, 200, 4);
}

TEST(OverlayTest, BoxesAtAndBeyondTheFrameStayVisible) {
  const Image image = grey_picture(320, 240);
  for (const Box& box : {Box{0, 0, 320, 240}, Box{-50, -50, 400, 300}, Box{300, 200, 320, 240},
                         Box{500, 500, 600, 600}, Box{-20, 10, -10, 30}, Box{100, 100, 100, 100},
                         Box{200, 150, 100, 50}}) {
    const Annotation annotation{box, kPredictionColor, ""};
    EXPECT_GT(count_pixels(draw_annotations(image, {&annotation, 1}), kPredictionColor), 4)
        << box.x1 << ", " << box.y1;
  }
}

TEST(OverlayTest, BoxesThatAreNoNumbersAreLeftOut) {
  const Image image = grey_picture(320, 240);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  for (const Box& box : {Box{nan, 0, 10, 10}, Box{0, 0, infinite, 10}}) {
    const Annotation annotation{box, kPredictionColor, ""};
    EXPECT_EQ(draw_annotations(image, {&annotation, 1}).pixels, image.pixels);
  }
}

/// A mask of the rectangle [left, right) x [top, bottom).
Mask rectangle_mask(std::int64_t width, std::int64_t height, const Box& box) {
  Mask mask(width, height);
  for (auto y = static_cast<std::int64_t>(box.y1); y < static_cast<std::int64_t>(box.y2); ++y) {
    std::fill(mask.row(y) + static_cast<std::int64_t>(box.x1),
              mask.row(y) + static_cast<std::int64_t>(box.x2), std::uint8_t{1});
  }
  return mask;
}

TEST(OverlayTest, AMaskIsATintWithAnOutline) {
  const Image image = grey_picture(400, 300);
  const double nan = std::numeric_limits<double>::quiet_NaN();  // no box
  const Box area{100, 80, 300, 200};
  const Annotation annotation{{nan, 0, 0, 0}, kTargetColor, "", rectangle_mask(400, 300, area)};
  const Image drawn = draw_annotations(image, {&annotation, 1});
  const Color inside = color_at(drawn, 200, 140);
  EXPECT_LT(inside.r, 128);
  EXPECT_GT(inside.r, kTargetColor.r);
  EXPECT_GT(inside.g, 128);
  EXPECT_LT(inside.g, kTargetColor.g);
  for (const auto& [x, y] :
       {std::pair{100, 140}, std::pair{299, 140}, std::pair{200, 80}, std::pair{200, 199}}) {
    EXPECT_EQ(color_at(drawn, x, y), kTargetColor) << x << ", " << y;
  }
  EXPECT_LT(color_at(drawn, 99, 140).g, 40);  // the dark edge around it
  const Box changed = changed_area(image, drawn);
  EXPECT_EQ(changed, (Box{99, 79, 301, 201}));
}

TEST(OverlayTest, BoxesLieAboveMasks) {
  const Image image = grey_picture(400, 300);
  const std::vector<Annotation> annotations{
      {{100, 80, 300, 200}, kPredictionColor, ""},
      {{0, 0, 400, 300}, kTargetColor, "", rectangle_mask(400, 300, {0, 0, 400, 300})}};
  EXPECT_EQ(color_at(draw_annotations(image, annotations), 100, 140), kPredictionColor);
}

TEST(OverlayTest, MasksOfAnySizeOfPictureAndNoneOfAnother) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{2, 5}, std::pair{20, 1}}) {
    const Image image = grey_picture(width, height);
    Annotation annotation{{0, 0, 1, 1}, kTargetColor, "", Mask(width, height)};
    EXPECT_EQ(draw_annotations(image, {&annotation, 1}).width, width);
    std::fill(annotation.mask->pixels.begin(), annotation.mask->pixels.end(), std::uint8_t{1});
    EXPECT_NE(draw_annotations(image, {&annotation, 1}).pixels, image.pixels);
    annotation.mask = Mask(width, height + 1);
    EXPECT_THROW(draw_annotations(image, {&annotation, 1}), std::logic_error);
  }
}

TEST(OverlayTest, SixPredictionsAreToldApartByColour) {
  EXPECT_EQ(prediction_color(0), kPredictionColor);
  EXPECT_EQ(prediction_color(6), kPredictionColor);
  std::vector<Color> colors{kTargetColor};
  for (std::size_t i = 0; i < 6; ++i) colors.push_back(prediction_color(i));
  for (std::size_t i = 0; i < colors.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const int distance = std::abs(colors[i].r - colors[k].r) +
                           std::abs(colors[i].g - colors[k].g) +
                           std::abs(colors[i].b - colors[k].b);
      EXPECT_GE(distance, 90) << i << " and " << k;
    }
  }
}

TEST(OverlayTest, TinyPicturesCanBeDrawnOn) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{2, 5}, std::pair{20, 1}}) {
    const Image drawn = draw_prediction(grey_picture(width, height), {0, 0, 1, 1}, "tiny", 0.5);
    EXPECT_EQ(drawn.width, width);
    EXPECT_EQ(drawn.height, height);
  }
}

class LabelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_font()) GTEST_SKIP() << "needs a font (fonts-dejavu-core)";
  }
  const Image image_ = grey_picture(640, 480);
  const Box box_{200, 200, 400, 300};
};

TEST_F(LabelTest, TheStripIsFilledAndHoldsLetters) {
  const Image plain = draw_prediction(image_, box_, "", std::nullopt);
  const Image drawn = draw_prediction(image_, box_, "the red mug", 0.875);
  const Box strip = changed_area(plain, drawn);
  EXPECT_GE(strip.y1, 150);
  EXPECT_LE(strip.y2, 202);
  EXPECT_GT(count_pixels(drawn, kPredictionColor), count_pixels(plain, kPredictionColor) + 1000);
  EXPECT_NE(drawn.pixels, draw_prediction(image_, box_, "the red jug", 0.875).pixels);
  EXPECT_NE(drawn.pixels, draw_prediction(image_, box_, "the red mug", 0.25).pixels);
}

TEST_F(LabelTest, LongLabelsAreShortened) {
  std::string expression;
  for (int i = 0; i < 200; ++i) expression += "word ";
  const Image drawn = draw_prediction(image_, box_, expression, 0.5);
  const Box area = changed_area(image_, drawn);
  EXPECT_LT(area.height(), 200);
  // Neither longer texts nor ones without any space change it further.
  EXPECT_EQ(drawn.pixels, draw_prediction(image_, box_, expression + "more", 0.5).pixels);
  const Image unbroken = draw_prediction(image_, box_, std::string(5000, 'W'), 0.5);
  EXPECT_LT(changed_area(image_, unbroken).height(), 200);
}

TEST_F(LabelTest, LabelsStayInTheFrameAtItsCorners) {
  const Image corner_free = grey_picture(640, 480);
  for (const Box& box : {Box{0, 0, 640, 480}, Box{600, 440, 640, 480}, Box{0, 0, 30, 20}}) {
    const Annotation plain{box, kTargetColor, ""};
    const Annotation labelled{box, kTargetColor, "corner"};
    const Image without = draw_annotations(corner_free, {&plain, 1});
    const Image with = draw_annotations(corner_free, {&labelled, 1});
    const Box strip = changed_area(without, with);
    // The whole strip with its letters is there, not a part of it.
    EXPECT_GT(strip.width(), 60) << box.x1;
    EXPECT_GT(strip.height(), 15) << box.x1;
  }
}

TEST_F(LabelTest, LabelsOfOneBoxDoNotCoverEachOther) {
  const std::vector<Annotation> both{{box_, kPredictionColor, "prediction"},
                                     {box_, kTargetColor, "truth"}};
  const Image drawn = draw_annotations(image_, both);
  EXPECT_GT(count_pixels(drawn, kPredictionColor), 1000);
  EXPECT_GT(count_pixels(drawn, kTargetColor), 700);
}

TEST_F(LabelTest, SixLongLabelsOfOneBoxFindRoom) {
  std::vector<Annotation> all;
  for (std::size_t i = 0; i < 6; ++i) {
    all.push_back({Box{300, 200, 340, 240}, prediction_color(i),
                   "the mug on the left of the jug that stands before the window, number " +
                       std::to_string(i)});
  }
  const Image drawn = draw_annotations(image_, all);
  for (const Annotation& one : all) {
    Annotation plain = one;
    plain.label.clear();
    const std::int64_t strip = count_pixels(draw_annotations(image_, {&one, 1}), one.color) -
                               count_pixels(draw_annotations(image_, {&plain, 1}), one.color);
    EXPECT_GE(count_pixels(drawn, one.color), strip) << one.label;
  }
}

TEST_F(LabelTest, TextIsUtf8) {
  const auto draw = [this](const std::string& text) {
    return draw_prediction(image_, box_, text, std::nullopt).pixels;
  };
  EXPECT_EQ(draw("caf\u00E9"), draw("cafe\u0301")) << "composed and decomposed";
  EXPECT_EQ(draw("a\xFF"), draw("a\uFFFD")) << "a byte that is not UTF-8";
  EXPECT_EQ(draw("a\nb"), draw("a b")) << "a control character";
  EXPECT_NE(draw("\u043A\u043E\u0442"), draw("kot")) << "Cyrillic";
}

TEST_F(LabelTest, MarksWithoutAShapeAreLeftOut) {
  const auto draw = [this](const std::string& text) {
    return draw_prediction(image_, box_, text, std::nullopt).pixels;
  };
  EXPECT_EQ(draw("a\u200D\u2066b\uFE0F"), draw("ab"));
}

TEST_F(LabelTest, ALetterThatAFontLacksComesFromTheNextOne) {
  const std::string folder = "/usr/share/fonts/truetype/dejavu/";
  const std::string sans = folder + "DejaVuSans.ttf";
  const std::string mono = folder + "DejaVuSansMono.ttf";
  if (!std::filesystem::exists(sans) || !std::filesystem::exists(mono)) {
    GTEST_SKIP() << "needs DejaVu Sans and DejaVu Sans Mono where Debian has them";
  }
  const auto draw = [this](const std::string& fonts, const std::string& text) {
    ::setenv("REFERENT_FONT", fonts.c_str(), 1);
    const Image drawn = draw_prediction(image_, box_, text, std::nullopt);
    ::unsetenv("REFERENT_FONT");
    return drawn.pixels;
  };
  const std::string apl = "\u2336";      // in the second font alone
  const std::string nowhere = "\u0905";  // Devanagari: in neither
  EXPECT_EQ(draw(sans, apl), draw(sans, nowhere)) << "a box";
  EXPECT_NE(draw(sans + ":" + mono, apl), draw(sans, apl));
  EXPECT_EQ(draw(sans + ":" + mono, nowhere), draw(sans, nowhere));
  EXPECT_EQ(draw("/no/such/font.ttf:" + sans, "mug"), draw(sans, "mug"));
}

TEST_F(LabelTest, ALetterComesFromAnyInstalledFontElseThereIsAWarning) {
  const std::filesystem::path mono = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";
  if (!std::filesystem::exists(mono)) GTEST_SKIP() << "needs DejaVu Sans Mono where Debian has it";
  const testing::TemporaryFolder share;
  const auto draw = [this, &share](const std::string& text) {
    ::setenv("XDG_DATA_DIRS", share.path().c_str(), 1);
    ::setenv("XDG_DATA_HOME", "/no/such", 1);
    const Image drawn = draw_prediction(image_, box_, text, std::nullopt);
    ::unsetenv("XDG_DATA_HOME");
    ::unsetenv("XDG_DATA_DIRS");
    return drawn.pixels;
  };
  // APL's, which DejaVu Sans Mono has and DejaVu Sans and the fonts known by name need not have.
  const std::string first = "\u2339";
  const std::string second = "\u233B";
  const std::string unassigned = "\u0378";
  const auto box = draw(unassigned);
  const auto without = draw(first);
  if (without != box) GTEST_SKIP() << "a font that is looked for by name has APL's letters";
  std::filesystem::create_directories(share.path() / "fonts" / "deep");
  std::filesystem::copy_file(mono, share.path() / "fonts" / "deep" / "some.ttf");
  write_file(share.path() / "fonts" / "another.otf", std::string_view("no font"));
  EXPECT_NE(draw(second), box);
  EXPECT_EQ(draw(first), box) << "an answer is remembered";
}

TEST_F(LabelTest, WithoutAFontTheBoxIsStillDrawn) {
  const Image expected = draw_prediction(image_, box_, "", std::nullopt);
  ::setenv("REFERENT_FONT", "/no/such/font.ttf", 1);
  const Image drawn = draw_prediction(image_, box_, "label", 0.5);
  ::unsetenv("REFERENT_FONT");
  EXPECT_EQ(drawn.pixels, expected.pixels);
}

TEST(ContactSheetTest, CellsStandInRows) {
  std::vector<Image> pictures;
  for (const std::int64_t height : {50, 100, 25}) {
    pictures.emplace_back(100, height);
    auto& pixels = pictures.back().pixels;
    std::fill(pixels.begin(), pixels.end(), static_cast<std::uint8_t>(height));
  }
  const Image sheet = contact_sheet(pictures, 2, 200);
  const std::int64_t gap = 5;
  EXPECT_EQ(sheet.width, 2 * 200 + 3 * gap);
  EXPECT_EQ(sheet.height, 200 + 50 + 3 * gap);
  EXPECT_EQ(color_at(sheet, gap, gap), (Color{50, 50, 50}));
  EXPECT_EQ(color_at(sheet, gap + 199, gap + 99), (Color{50, 50, 50}));
  EXPECT_EQ(color_at(sheet, 2 * gap + 200, gap + 199), (Color{100, 100, 100}));
  EXPECT_EQ(color_at(sheet, gap, 2 * gap + 200), (Color{25, 25, 25}));
  EXPECT_EQ(color_at(sheet, 0, 0), (Color{236, 236, 236}));
  EXPECT_TRUE(contact_sheet({}, 2, 200).empty());
}

}  // namespace
}  // namespace referent::image
