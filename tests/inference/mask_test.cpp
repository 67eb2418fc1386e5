// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/mask.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "referent/core/file.h"
#include "referent/core/random.h"
#include "referent/data/view.h"
#include "referent/formats/refer.h"
#include "referent/metrics/mask_metrics.h"
#include "support/test_data.h"

namespace referent::inference {
namespace {

/// The logits of a model that is sure of the sample's mask: it gives what lies on padding too.
torch::Tensor sure_logits(const data::Sample& sample, float on_padding = -8) {
  torch::Tensor logits = torch::full({sample.size, sample.size}, on_padding);
  auto rows = logits.accessor<float, 2>();
  for (std::int64_t y = 0; y < sample.height; ++y) {
    for (std::int64_t x = 0; x < sample.width; ++x) {
      rows[sample.top + y][sample.left + x] = sample.mask->row(y)[x] != 0 ? 8.0F : -8.0F;
    }
  }
  return logits;
}

data::Sample square_sample(std::int64_t size) {
  data::Sample sample;
  sample.size = sample.width = sample.height = size;
  sample.original_width = sample.original_height = size;
  sample.mask = image::Mask(size, size);
  return sample;
}

TEST(BoxesAroundMasksTest, AreTheSmallestAndEmptyForNothing) {
  torch::Tensor logits = torch::full({3, 1, 4, 8}, -9.0F);
  logits[0][0][1][2] = 9.0F;
  logits[0][0][2][5] = 9.0F;
  logits[2] = torch::full({1, 4, 8}, 9.0F);
  const torch::Tensor boxes = boxes_around_masks(logits, 0.35);
  const torch::Tensor expected =
      torch::tensor({{4.0F / 8, 2.0F / 4, 4.0F / 8, 2.0F / 4},  // columns 2 to 6, rows 1 to 3
                     {0.0F, 0.0F, 0.0F, 0.0F},
                     {0.5F, 0.5F, 1.0F, 1.0F}});
  EXPECT_TRUE(torch::equal(boxes.squeeze(1), expected));
}

TEST(MaskToOriginalTest, AtTheSameSizeThePixelsAreTheLogits) {
  data::Sample sample = square_sample(9);
  RandomStream stream(1);
  for (std::uint8_t& pixel : sample.mask->pixels) pixel = stream.chance(0.5) ? 1 : 0;
  EXPECT_EQ(mask_to_original(sure_logits(sample), sample, 0.35), image::rle_of(*sample.mask));
}

TEST(MaskToOriginalTest, TheThresholdIsAProbability) {
  const data::Sample sample = square_sample(2);
  // The released cases at either side of 0.35: its logit is -0.61904.
  const torch::Tensor logits = torch::tensor({{-0.620F, -0.618F}, {-90.0F, 90.0F}});
  const auto pixels = [&](double threshold) {
    return formats::mask_from_rle(mask_to_original(logits, sample, threshold));
  };
  EXPECT_EQ(pixels(0.35), (std::vector<std::uint8_t>{0, 1, 0, 1}));
  EXPECT_EQ(pixels(0.34), (std::vector<std::uint8_t>{1, 1, 0, 1}));
  EXPECT_EQ(pixels(0.5), (std::vector<std::uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(pixels(0), (std::vector<std::uint8_t>{1, 1, 1, 1}));
  EXPECT_EQ(pixels(1), (std::vector<std::uint8_t>{0, 0, 0, 0}));
}

TEST(MaskToOriginalTest, AnyResolutionStaysInside) {
  data::Sample sample = square_sample(448);
  for (const std::int64_t side : {1, 29, 58, 116, 225, 448, 500}) {
    const torch::Tensor logits = torch::full({side, side}, 9.0F);
    EXPECT_EQ(formats::rle_area(mask_to_original(logits, sample, 0.35)), 448U * 448U) << side;
  }
}

TEST(MaskToOriginalTest, PaddingIsCutAwayAndDoesNotBleedIn) {
  data::Sample sample;
  sample.size = 12;
  sample.width = 12;
  sample.height = 4;
  sample.top = 4;
  sample.original_width = 36;
  sample.original_height = 12;
  sample.mask = image::Mask(12, 4);
  for (std::int64_t y = 0; y < 4; ++y) std::fill_n(sample.mask->row(y), 6, std::uint8_t{1});
  for (const float on_padding : {-8.0F, 8.0F}) {
    const image::Mask mask =
        image::mask_of(mask_to_original(sure_logits(sample, on_padding), sample, 0.5));
    ASSERT_EQ(mask.width, 36);
    ASSERT_EQ(mask.height, 12);
    for (std::int64_t y = 0; y < 12; ++y) {
      for (std::int64_t x = 0; x < 36; ++x) EXPECT_EQ(mask.row(y)[x], x < 18 ? 1 : 0) << x;
    }
  }
}

TEST(MaskToOriginalTest, LogitsOfAnyResolutionLieOverTheWholeSquare) {
  data::Sample sample = square_sample(32);
  for (const std::int64_t side : {8, 16, 32, 64}) {
    torch::Tensor logits = torch::full({side, side}, -8.0F);
    logits.narrow(0, side / 4, side / 2).narrow(1, side / 4, side / 2).fill_(8.0F);
    const image::Mask mask = image::mask_of(mask_to_original(logits, sample, 0.5));
    for (std::int64_t y = 0; y < 32; ++y) {
      for (std::int64_t x = 0; x < 32; ++x) {
        // Bilinear corners are round; all else is exact.
        const auto near_corner = [](std::int64_t at) {
          return std::abs(at - 8) < 3 || std::abs(at - 24) < 3;
        };
        if (near_corner(x) && near_corner(y)) continue;
        const bool inside = x >= 8 && x < 24 && y >= 8 && y < 24;
        EXPECT_EQ(mask.row(y)[x] != 0, inside) << side << ": " << x << ", " << y;
      }
    }
  }
}

TEST(MaskToOriginalTest, WhatIsNoNumberIsNoMask) {
  const data::Sample sample = square_sample(2);
  const torch::Tensor logits = torch::full({2, 2}, std::nan(""));
  EXPECT_EQ(formats::rle_area(mask_to_original(logits, sample, 0.35)), 0U);
  EXPECT_THROW(mask_to_original(logits[0], sample, 0.35), std::logic_error);
}

/// The annotated referents of the photos: what a model would have to find.
class ReferentsTest : public ::testing::Test {
 protected:
  struct Referent {
    std::int64_t width;
    std::int64_t height;
    data::Example example;
  };

  void SetUp() override {
    if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
    std::set<std::int64_t> referred;
    std::istringstream lines(read_text_file(testing::goldens() / "vglaw" / "coco-masks.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto golden = nlohmann::json::parse(line);
      if (golden["referred"].get<bool>()) referred.insert(golden["annotation"].get<std::int64_t>());
    }
    const auto instances = formats::read_instances(testing::test_data() / "coco" / "instances.json",
                                                   formats::Outlines::kRead);
    std::map<std::int64_t, const formats::ImageInfo*> images;
    for (const formats::ImageInfo& info : instances.images) images.emplace(info.id, &info);
    for (const formats::Annotation& annotation : instances.annotations) {
      if (!referred.contains(annotation.id)) continue;
      const formats::ImageInfo& info = *images.at(annotation.image_id);
      const auto& [x, y, width, height] = annotation.bbox.value();
      data::Example example{std::to_string(annotation.id), info.file_name, "it",
                            image::Box{x, y, x + width, y + height},
                            std::make_shared<formats::Segmentation>(annotation.segmentation)};
      referents_.push_back({info.width, info.height, std::move(example)});
    }
    ASSERT_EQ(referents_.size(), 133U);
  }

  static data::View view_of(const Referent& referent, image::MaskResize rule) {
    data::View view =
        data::make_view(referent.example, image::Image(referent.width, referent.height), false);
    view.mask_resize = rule;
    return view;
  }

  /// The IoU of the view's mask with itself after a way to the square and back.
  static float round_trip(data::View view, std::int64_t size, bool flip) {
    const image::Mask before = *view.mask;
    data::resize_long_side(view, size);
    if (flip) data::flip_horizontal(view);
    const std::int64_t left = (size - view.image.width) / 2;
    const std::int64_t top = (size - view.image.height) / 2;
    data::Sample sample = data::place(std::move(view), size, left, top);
    sample.original_width = before.width;
    sample.original_height = before.height;
    image::Mask after = image::mask_of(mask_to_original(sure_logits(sample), sample, 0.5));
    if (flip) after = image::flip_horizontal(after);
    return metrics::mask_iou(metrics::mask_overlap(image::rle_of(before), image::rle_of(after)));
  }

  double mean_round_trip(std::int64_t size, bool flip, image::MaskResize rule) const {
    double sum = 0;
    for (const Referent& referent : referents_) {
      sum += round_trip(view_of(referent, rule), size, flip);
    }
    return sum / static_cast<double>(referents_.size());
  }

  std::vector<Referent> referents_;
};

TEST_F(ReferentsTest, ARoundTripThroughResizeAndFlipKeepsThem) {
  for (const std::int64_t size : {448, 640}) {
    for (const bool flip : {false, true}) {
      const double mean = mean_round_trip(size, flip, image::MaskResize::kPixelCentre);
      EXPECT_GE(mean, 0.97) << size << (flip ? " flipped" : "");
      fmt::print("mean IoU after a round trip over {}{}: {:.4f}\n", size, flip ? ", flipped" : "",
                 mean);
    }
  }
}

TEST_F(ReferentsTest, TheReleasedRuleLosesMore) {
  const double centred = mean_round_trip(448, true, image::MaskResize::kPixelCentre);
  const double released = mean_round_trip(448, true, image::MaskResize::kReleased);
  EXPECT_LT(released, centred);
  EXPECT_GE(released, 0.9);
}

TEST_F(ReferentsTest, ACropKeepsWhatLiesInIt) {
  double sum = 0;
  int count = 0;
  RandomStream stream(5);
  for (const Referent& referent : referents_) {
    data::View view = view_of(referent, image::MaskResize::kPixelCentre);
    const std::int64_t width = stream.integer(referent.width / 2, referent.width);
    const std::int64_t height = stream.integer(referent.height / 2, referent.height);
    const std::int64_t left = stream.integer(0, referent.width - width);
    const std::int64_t top = stream.integer(0, referent.height - height);
    data::crop(view, left, top, width, height);
    if (formats::rle_area(image::rle_of(*view.mask)) < 500) continue;  // hardly anything left
    EXPECT_EQ(*view.mask,
              image::crop(*view_of(referent, view.mask_resize).mask, left, top, width, height));
    sum += round_trip(std::move(view), 448, true);
    ++count;
  }
  EXPECT_GT(count, 90);
  EXPECT_GE(sum / count, 0.97);
}

}  // namespace
}  // namespace referent::inference
