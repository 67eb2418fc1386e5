// SPDX-License-Identifier: Apache-2.0
#include "referent/data/transform.h"

#include <gtest/gtest.h>

#include <limits>

#include "referent/core/error.h"
#include "referent/data/released_augment.h"
#include "referent/data/simple_augment.h"
#include "referent/data/view.h"
#include "text/vocabulary.h"

namespace referent::data {
namespace {

/// White with a black rectangle at the box.
image::Image picture(std::int64_t width, std::int64_t height, const image::Box& box) {
  image::Image image(width, height);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto fx = static_cast<double>(x);
      const auto fy = static_cast<double>(y);
      const bool in = fx >= box.x1 && fx < box.x2 && fy >= box.y1 && fy < box.y2;
      std::fill_n(image.row(y) + 3 * x, 3, in ? std::uint8_t{0} : std::uint8_t{255});
    }
  }
  return image;
}

/// Mean brightness [0, 255] of the picture within its box, shrunk by a pixel at each side.
double brightness_in_box(const View& view) {
  double sum = 0;
  std::int64_t count = 0;
  for (auto y = static_cast<std::int64_t>(view.box[1]) + 1; y + 1 < view.box[3]; ++y) {
    for (auto x = static_cast<std::int64_t>(view.box[0]) + 1; x + 1 < view.box[2]; ++x) {
      sum += view.image.row(y)[3 * x];
      ++count;
    }
  }
  return sum / static_cast<double>(count);
}

TransformContext context(std::int64_t size) {
  TransformContext result;
  result.image.size = size;
  result.text.length = 20;
  // The tokenizer is static: nothing to delete.
  result.tokenizer = {std::shared_ptr<void>(), &testing::bert()};
  return result;
}

/// The outline of the box.
std::shared_ptr<const formats::Segmentation> outline_of(const image::Box& box) {
  return std::make_shared<formats::Segmentation>(formats::Segmentation{
      {{box.x1, box.y1, box.x2, box.y1, box.x2, box.y2, box.x1, box.y2}}, std::nullopt});
}

/// The rectangle of whole pixels that holds the mask; and it is filled.
image::Box filled_area(const image::Mask& mask) {
  image::Box area{1e9, 1e9, -1e9, -1e9};
  double count = 0;
  for (std::int64_t y = 0; y < mask.height; ++y) {
    for (std::int64_t x = 0; x < mask.width; ++x) {
      if (mask.row(y)[x] == 0) continue;
      const auto left = static_cast<double>(x);
      const auto top = static_cast<double>(y);
      area = {std::min(area.x1, left), std::min(area.y1, top), std::max(area.x2, left + 1),
              std::max(area.y2, top + 1)};
      ++count;
    }
  }
  EXPECT_EQ(count, area.width() * area.height());
  return area;
}

Example example_at(const image::Box& box, std::string expression = "the dark box") {
  Example example;
  example.id = "3";
  example.image = "picture.png";
  example.expression = std::move(expression);
  example.box = box;
  return example;
}

TEST(ViewTest, CutsWidthAndHeightToWholePixels) {
  // 182.57 + 139.94 = 322.51, but the released loader adds the cut numbers: 182 + 139.
  const View view = make_view(example_at({182.57, 183.81, 182.57 + 139.94, 183.81 + 105.35}),
                              image::Image(640, 299), true);
  EXPECT_EQ(view.box, (std::array<float, 4>{182, 183, 321, 288}));
}

TEST(ViewTest, KeepsAWholeWidthThatTheSumOfCornersRounds) {
  for (int hundredths = 0; hundredths < 60000; hundredths += 7) {
    const double x = hundredths / 100.0;
    const View view = make_view(example_at({x, x, x + 37, x + 41}), image::Image(1, 1), true);
    ASSERT_EQ(view.box[2] - view.box[0], 37) << x;
    ASSERT_EQ(view.box[3] - view.box[1], 41) << x;
  }
}

TEST(ViewTest, RoundsSidesHalfToEven) {
  View view = make_view(example_at({0, 0, 10, 10}), image::Image(200, 101), false);
  resize_long_side(view, 100);
  EXPECT_EQ(view.image.width, 100);
  EXPECT_EQ(view.image.height, 50);  // 50.5
  View other = make_view(example_at({0, 0, 10, 10}), image::Image(200, 103), false);
  resize_long_side(other, 100);
  EXPECT_EQ(other.image.height, 52);  // 51.5
}

TEST(ViewTest, NeverScalesASideToNothing) {
  View view = make_view(example_at({0, 0, 10, 1}), image::Image(2000, 1), false);
  resize_long_side(view, 100);
  EXPECT_EQ(view.image.height, 1);
}

TEST(ViewTest, RefusesWhatCannotBeUsed) {
  View strip = make_view(example_at({0, 0, 10, 1}), image::Image(10000, 1), false);
  EXPECT_THROW(resize_short_side(strip, 400), DataError);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(make_view(example_at({0, 0, nan, 1}), image::Image(4, 4), true), DataError);
  EXPECT_THROW(make_view(example_at({0, 0, 1, 1}), image::Image(), true), DataError);
  EXPECT_THROW(place(make_view(example_at({0, 0, 1, 1}), image::Image(9, 4), true), 8, 0, 0),
               DataError);
}

TEST(ViewTest, MiddleOffsetIsHalfRoundedDown) {
  for (std::int64_t space = 0; space < 1000; ++space) EXPECT_EQ(middle_offset(space), space / 2);
}

TEST(TransformTest, EvaluationLaysThePictureInTheMiddle) {
  const image::Box box{20, 10, 60, 50};
  RandomStream stream(1);
  const auto transform = make_evaluation_transform(context(64));
  const Sample sample = (*transform)(example_at(box), picture(128, 64, box), stream);
  EXPECT_EQ(sample.image.width, 64);
  EXPECT_EQ(sample.image.height, 32);
  EXPECT_EQ(sample.left, 0);
  EXPECT_EQ(sample.top, 16);
  EXPECT_EQ(sample.scale, 0.5);
  EXPECT_EQ(sample.original_width, 128);
  EXPECT_EQ(sample.original_height, 64);
  EXPECT_EQ(sample.target, (std::array<float, 4>{20 / 64.F, 31 / 64.F, 20 / 64.F, 20 / 64.F}));
  EXPECT_FALSE(sample.tokens.truncated);
}

TEST(TransformTest, AMaskIsThereWhereTheExampleHasOne) {
  const image::Box box{20, 10, 60, 50};
  const auto transform = make_evaluation_transform(context(64));
  RandomStream stream(1);
  EXPECT_FALSE((*transform)(example_at(box), picture(128, 64, box), stream).mask.has_value());
  Example example = example_at(box);
  example.mask = outline_of(box);
  const Sample sample = (*transform)(example, picture(128, 64, box), stream);
  EXPECT_EQ(filled_area(sample.mask.value()), (image::Box{10, 5, 30, 25}));
}

TEST(TransformTest, BothRulesOfMasksAndPixels) {
  const image::Box box{21, 10, 61, 50};  // odd: the rules differ at its sides
  Example example = example_at(box);
  example.mask = outline_of(box);
  TransformContext released = context(64);
  released.image.mask_resize = image::MaskResize::kReleased;
  RandomStream stream(1);
  const auto area = [&](const TransformContext& with) {
    return filled_area(
        (*make_evaluation_transform(with))(example, picture(128, 64, box), stream).mask.value());
  };
  EXPECT_EQ(area(context(64)), (image::Box{10, 5, 30, 25}));
  EXPECT_EQ(area(released), (image::Box{11, 5, 31, 25}));

  TransformContext plain = context(48);
  plain.image.resize = ResizeFilter::kPlain;
  const auto pixels = [&](const TransformContext& with) {
    return (*make_evaluation_transform(with))(example, picture(128, 64, box), stream).image.pixels;
  };
  EXPECT_NE(pixels(plain), pixels(context(48)));
}

TEST(TransformTest, AMaskThatDoesNotFitThePictureIsNamed) {
  const auto transform = make_evaluation_transform(context(64));
  Example example = example_at({2, 2, 5, 5});
  example.mask =
      std::make_shared<formats::Segmentation>(formats::Segmentation{{}, formats::Rle{10, 9, {90}}});
  RandomStream stream(1);
  EXPECT_NO_THROW((*transform)(example, image::Image(9, 10), stream));
  try {
    (*transform)(example, image::Image(10, 9), stream);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_STREQ(
        error.what(),
        "picture.png: the mask of example 3: a mask of 9 x 10 pixels for a picture of 10 x "
        "9");
  }
}

TEST(TransformTest, RefusesEmptyAndBrokenExpressions) {
  const auto transform = make_evaluation_transform(context(64));
  for (const char* expression : {"", " \t ", "caf\xc3", "\xff"}) {
    RandomStream stream(1);
    EXPECT_THROW((*transform)(example_at({0, 0, 5, 5}, expression), image::Image(9, 9), stream),
                 DataError)
        << expression;
  }
}

TEST(TransformTest, SaysWhenWordsWereCut) {
  const auto transform = make_evaluation_transform(context(64));
  RandomStream stream(1);
  std::string words;
  for (int i = 0; i < 30; ++i) words += "red ";
  const Sample sample = (*transform)(example_at({0, 0, 5, 5}, words), image::Image(9, 9), stream);
  EXPECT_TRUE(sample.tokens.truncated);
  EXPECT_EQ(sample.tokens.ids.size(), 20U);
}

/// Where the target lies in a training sample must be where its pixels went.
class TrainTransformTest : public ::testing::TestWithParam<AugmentType> {};

TEST_P(TrainTransformTest, DependsOnTheStreamAloneAndKeepsTheTargetInside) {
  const image::Box box{150, 90, 260, 210};
  AugmentConfig config;
  config.type = GetParam();
  const auto transform = make_train_transform(context(640), config);
  const auto sample_of = [&](std::uint64_t index) {
    RandomStream stream(7, 0, index, "augment");
    return (*transform)(example_at(box), picture(400, 300, box), stream);
  };
  const Sample first = sample_of(0);
  std::int64_t different = 0;
  for (std::uint64_t index = 0; index < 40; ++index) {
    const Sample sample = sample_of(index);
    EXPECT_EQ(sample.image.pixels, sample_of(index).image.pixels);
    EXPECT_EQ(sample.target, sample_of(index).target);
    if (sample.target != first.target) ++different;
    const auto [x, y, width, height] = sample.target;
    EXPECT_GT(width, 0);
    EXPECT_GT(height, 0);
    EXPECT_GE(x - width / 2, -1e-6F);
    EXPECT_GE(y - height / 2, -1e-6F);
    EXPECT_LE(x + width / 2, 1 + 1e-6F);
    EXPECT_LE(y + height / 2, 1 + 1e-6F);
  }
  EXPECT_EQ(different > 0, GetParam() != AugmentType::kNone);
}

TEST_P(TrainTransformTest, TheMaskGoesWhereTheBoxGoes) {
  const image::Box box{150, 90, 260, 210};
  AugmentConfig config;
  config.type = GetParam();
  const auto transform = make_train_transform(context(640), config);
  for (std::uint64_t index = 0; index < 40; ++index) {
    RandomStream stream(7, 0, index, "augment");
    Example example = example_at(box);
    example.mask = outline_of(box);
    const Sample sample = (*transform)(example, picture(400, 300, box), stream);
    ASSERT_TRUE(sample.mask.has_value());
    EXPECT_EQ(sample.mask->width, sample.image.width);
    EXPECT_EQ(sample.mask->height, sample.image.height);
    EXPECT_EQ(sample.width, sample.image.width);
    EXPECT_EQ(sample.height, sample.image.height);
    const image::Box area = filled_area(*sample.mask);
    const auto on_square = [&](double share) { return share * static_cast<double>(sample.size); };
    const auto [x, y, width, height] = sample.target;
    // Every resize rounds to whole pixels; a crop is scaled up again.
    constexpr double kNear = 3;
    EXPECT_NEAR(area.x1 + static_cast<double>(sample.left), on_square(x - width / 2), kNear);
    EXPECT_NEAR(area.x2 + static_cast<double>(sample.left), on_square(x + width / 2), kNear);
    EXPECT_NEAR(area.y1 + static_cast<double>(sample.top), on_square(y - height / 2), kNear);
    EXPECT_NEAR(area.y2 + static_cast<double>(sample.top), on_square(y + height / 2), kNear);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryRecipe, TrainTransformTest,
                         ::testing::Values(AugmentType::kNone, AugmentType::kReleased,
                                           AugmentType::kSimple));

TEST(ReleasedAugmentTest, MendedCropsKeepTheBoxCentre) {
  // A box at the lower left: the released check takes crops that miss it.
  const image::Box box{2, 420, 60, 478};
  std::int64_t lost = 0;
  for (const bool quirks : {false, true}) {
    AugmentConfig config;
    config.type = AugmentType::kReleased;
    config.released_quirks = quirks;
    const ReleasedAugment augment(config, 640);
    for (std::uint64_t index = 0; index < 60; ++index) {
      RandomStream stream(1, 0, index, "augment");
      StreamDraws draws(stream);
      const Sample sample =
          augment(make_view(example_at(box), picture(640, 480, box), true), draws);
      const bool empty = sample.target[2] <= 0 || sample.target[3] <= 0;
      if (quirks) {
        lost += empty ? 1 : 0;
      } else {
        EXPECT_FALSE(empty) << index;
      }
    }
  }
  EXPECT_GT(lost, 0);
}

TEST(SimpleAugmentTest, BoxFollowsThePixels) {
  const image::Box box{40, 60, 120, 130};
  SimpleAugmentConfig config;
  config.jitter = 0;
  std::int64_t cropped = 0;
  std::int64_t flipped = 0;
  for (std::uint64_t index = 0; index < 200; ++index) {
    RandomStream stream(1, 0, index, "augment");
    View view = make_view(example_at(box, "dark one"), picture(256, 256, box), false);
    augment_simple(view, config, stream);
    EXPECT_EQ(view.image.width, 256);
    EXPECT_LT(brightness_in_box(view), 3) << index;
    const float width = view.box[2] - view.box[0];
    if (std::abs(width - 80) > 0.01F) ++cropped;
    if (view.box[0] == 136) ++flipped;
  }
  EXPECT_GT(cropped, 60);
  EXPECT_GT(flipped, 20);
}

TEST(SimpleAugmentTest, NeverCropsWordsOfPlaceAndExchangesSides) {
  const image::Box box{40, 60, 120, 130};
  std::int64_t exchanged = 0;
  for (std::uint64_t index = 0; index < 50; ++index) {
    RandomStream stream(1, 0, index, "augment");
    View view = make_view(example_at(box, "box on left"), picture(256, 256, box), false);
    augment_simple(view, SimpleAugmentConfig(), stream);
    EXPECT_EQ(view.box[2] - view.box[0], 80);
    const bool flipped = view.box[0] == 136;
    EXPECT_EQ(view.expression, flipped ? "box on right" : "box on left");
    exchanged += flipped ? 1 : 0;
  }
  EXPECT_GT(exchanged, 10);
  EXPECT_LT(exchanged, 40);
}

TEST(SimpleAugmentTest, JitterOfNothingChangesNothing) {
  const image::Box box{40, 60, 120, 130};
  SimpleAugmentConfig config;
  config.flip = config.crop = config.jitter = 0;
  RandomStream stream(1);
  View view = make_view(example_at(box), picture(256, 256, box), false);
  augment_simple(view, config, stream);
  EXPECT_EQ(view.image.pixels, picture(256, 256, box).pixels);
}

}  // namespace
}  // namespace referent::data
