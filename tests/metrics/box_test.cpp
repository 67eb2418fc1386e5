// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/box.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "metrics/golden.h"
#include "referent/core/random.h"

namespace referent::metrics {
namespace {

using nlohmann::json;
using referent::testing::center_box;
using referent::testing::corner_box;

void expect_equal(const CornerBox& box, const CornerBox& expected) {
  EXPECT_EQ(box.x1, expected.x1);
  EXPECT_EQ(box.y1, expected.y1);
  EXPECT_EQ(box.x2, expected.x2);
  EXPECT_EQ(box.y2, expected.y2);
}

TEST(BoxTest, EqualsTheReleasedEvaluation) {
  const json golden = referent::testing::metrics_golden();
  const double tolerance = golden.at("tolerance").at("abs");
  int generalized = 0;
  for (const json& pair : golden.at("pairs")) {
    SCOPED_TRACE(pair.dump());
    const CenterBox prediction = center_box(pair.at("pred_cxcywh"));
    const CenterBox target = center_box(pair.at("target_cxcywh"));
    expect_equal(to_corners(prediction), corner_box(pair.at("pred_xyxy")));
    expect_equal(to_corners(target), corner_box(pair.at("target_xyxy")));
    // IoU decides hits, so it is held to the last bit; negative zero equals zero.
    const float plain = iou(to_corners(prediction), to_corners(target));
    EXPECT_EQ(plain, pair.at("bbox_iou").get<float>());
    EXPECT_EQ(plain, pair.at("bbox_iou_center_form").get<float>());
    const float evaluated = evaluation_iou(prediction, target);
    EXPECT_EQ(evaluated, pair.at("eval_iou").get<float>());
    EXPECT_EQ(evaluated >= 0.5F, pair.at("hit").get<bool>());
    // The released code has no value for pairs without area (NaN) and inverted boxes (refused).
    const float general = generalized_iou(to_corners(prediction), to_corners(target));
    EXPECT_TRUE(std::isfinite(general));
    if (pair.at("giou").is_number()) {
      EXPECT_NEAR(general, pair.at("giou").get<double>(), tolerance);
      EXPECT_NEAR(1 - general, pair.at("loss_giou").get<double>(), tolerance);
      ++generalized;
    }
  }
  EXPECT_GT(generalized, 400);
  for (const json& pair : golden.at("back")) {
    const CenterBox center = to_center(corner_box(pair.at("xyxy")));
    const CenterBox expected = center_box(pair.at("cxcywh"));
    EXPECT_EQ(center.cx, expected.cx);
    EXPECT_EQ(center.cy, expected.cy);
    EXPECT_EQ(center.w, expected.w);
    EXPECT_EQ(center.h, expected.h);
  }
}

/// The same figures in extended precision, straight from the definitions.
struct Exact {
  Exact(const CornerBox& a, const CornerBox& b) {
    const auto length = [](long double low, long double high) {
      return high > low ? high - low : 0.0L;
    };
    const long double inter =
        length(std::max<long double>(a.x1, b.x1), std::min<long double>(a.x2, b.x2)) *
        length(std::max<long double>(a.y1, b.y1), std::min<long double>(a.y2, b.y2));
    const long double area_a = length(a.x1, a.x2) * length(a.y1, a.y2);
    const long double area_b = length(b.x1, b.x2) * length(b.y1, b.y2);
    const long double hull =
        length(std::min<long double>(a.x1, b.x1), std::max<long double>(a.x2, b.x2)) *
        length(std::min<long double>(a.y1, b.y1), std::max<long double>(a.y2, b.y2));
    const long double together = area_a + area_b - inter;
    iou = inter / together;
    generalized = iou - (hull - together) / hull;
  }
  long double iou;
  long double generalized;
};

CornerBox random_box(RandomStream& random) {
  const auto draw = [&random] { return static_cast<float>(random.uniform(-0.2, 1.2)); };
  const auto [x1, x2] = std::minmax({draw(), draw()});
  const auto [y1, y2] = std::minmax({draw(), draw()});
  return {x1, y1, x2, y2};
}

TEST(BoxTest, TenThousandRandomPairsAgreeWithExtendedPrecision) {
  RandomStream random(7);
  long double worst = 0;
  int overlapping = 0;
  for (int i = 0; i < 10'000; ++i) {
    const CornerBox a = random_box(random);
    const CornerBox b = random_box(random);
    const Exact exact(a, b);
    worst = std::max(worst, std::fabs(iou(a, b) - exact.iou));
    worst = std::max(worst, std::fabs(generalized_iou(a, b) - exact.generalized));
    EXPECT_EQ(iou(a, b), iou(b, a));
    EXPECT_GE(iou(a, b), 0.0F);
    EXPECT_LE(iou(a, b), 1.0F);
    EXPECT_EQ(iou(a, a), 1.0F);
    overlapping += exact.iou > 0 ? 1 : 0;
  }
  std::printf("10000 random pairs (%d overlap): largest error %.2Le\n", overlapping, worst);
  EXPECT_GT(overlapping, 1000);
  EXPECT_LT(worst, 1e-6L);
}

/// The pixels of two boxes on a grid, one by one.
float counted_iou(const CornerBox& a, const CornerBox& b, int side) {
  int both = 0;
  int either = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const auto covers = [x, y](const CornerBox& box) {
        return static_cast<float>(x) >= box.x1 && static_cast<float>(x) < box.x2 &&
               static_cast<float>(y) >= box.y1 && static_cast<float>(y) < box.y2;
      };
      both += covers(a) && covers(b) ? 1 : 0;
      either += covers(a) || covers(b) ? 1 : 0;
    }
  }
  return either > 0 ? static_cast<float>(both) / static_cast<float>(either) : 0.0F;
}

TEST(BoxTest, TenThousandPairsEqualTheCountOfTheirPixels) {
  constexpr int kSide = 24;
  RandomStream random(11);
  int overlapping = 0;
  int without_area = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto draw = [&random] {
      const auto at = [&random] { return static_cast<float>(random.integer(0, kSide)); };
      const auto [x1, x2] = std::minmax({at(), at()});
      const auto [y1, y2] = std::minmax({at(), at()});
      return CornerBox{x1, y1, x2, y2};
    };
    const CornerBox a = draw();
    const CornerBox b = draw();
    const float expected = counted_iou(a, b, kSide);
    ASSERT_EQ(iou(a, b), expected);
    overlapping += expected > 0 ? 1 : 0;
    without_area += a.x1 == a.x2 || a.y1 == a.y2 ? 1 : 0;
  }
  std::printf("10000 pairs on a grid: %d overlap, %d have a box without area, all equal\n",
              overlapping, without_area);
  EXPECT_GT(overlapping, 1000);
  EXPECT_GT(without_area, 100);
}

TEST(BoxTest, DegenerateBoxesNeverGiveNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kHuge = std::numeric_limits<float>::max();
  std::vector<CornerBox> boxes{{0.2F, 0.2F, 0.6F, 0.6F}, {0.4F, 0.4F, 0.4F, 0.4F},
                               {0.4F, 0.2F, 0.4F, 0.6F}, {0.6F, 0.6F, 0.2F, 0.2F},
                               {0.6F, 0.2F, 0.2F, 0.6F}, {-3, -3, -2, -2},
                               {0, 0, 1e-30F, 1e-30F}};
  const std::size_t finite = boxes.size();
  for (const float odd : {kInfinity, -kInfinity, kNan, kHuge, -kHuge}) {
    boxes.push_back({odd, 0, 1, 1});
    boxes.push_back({0, 0, 1, odd});
    boxes.push_back({odd, odd, odd, odd});
    boxes.push_back({-odd, -odd, odd, odd});
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    for (std::size_t j = 0; j < boxes.size(); ++j) {
      SCOPED_TRACE(::testing::Message() << "boxes " << i << " and " << j);
      const float overlap = iou(boxes[i], boxes[j]);
      EXPECT_TRUE(overlap >= 0 && overlap <= 1) << overlap;
      const float general = generalized_iou(boxes[i], boxes[j]);
      EXPECT_TRUE(general >= -1 && general <= 1) << general;
      // Without overlapping area there is nothing to gain.
      if (i != j && i > 0 && j > 0 && i < finite && j < finite) {
        EXPECT_EQ(overlap, 0.0F);
      }
    }
  }
}

TEST(BoxTest, OnlyThePredictionIsClamped) {
  // A prediction and a target that both reach out of the square by half their width.
  const CenterBox box{0, 0.5F, 0.5F, 0.5F};
  EXPECT_FLOAT_EQ(evaluation_iou(box, box), 0.5F);
  expect_equal(clamp_to_unit({-1, 0.25F, 0.75F, 2}), {0, 0.25F, 0.75F, 1});
}

}  // namespace
}  // namespace referent::metrics
