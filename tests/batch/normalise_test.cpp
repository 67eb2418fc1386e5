// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/normalise.h"

#include <gtest/gtest.h>

#include "support/test_device.h"

namespace referent {
namespace {

using torch::Tensor;

/// All 256 bytes in all three channels of two pictures of 16 x 16.
Tensor every_byte() {
  const Tensor bytes = torch::arange(256, torch::kUInt8).view({1, 1, 16, 16});
  return torch::cat({bytes, bytes.flip(3), bytes.flip(2)}, 1).repeat({2, 1, 1, 1});
}

Tensor no_padding() {
  return torch::zeros({2, 16, 16}, torch::kBool);
}

/// What the released code computes: to float, / 255, minus mean, over deviation.
Tensor reference(const Tensor& images) {
  const Tensor mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({3, 1, 1});
  const Tensor deviation = torch::tensor({0.229F, 0.224F, 0.225F}).view({3, 1, 1});
  return images.to(torch::kFloat32).div(255).sub(mean).div(deviation);
}

Tensor on_test_device(const Tensor& images, const Tensor& padding) {
  const torch::Device device = testing::test_device();
  return normalised_images(images.to(device), padding.to(device));
}

TEST(NormalisedImagesTest, HaveTheBitsOfTheReleasedCode) {
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    const Tensor images = every_byte().contiguous(format);
    const Tensor found = on_test_device(images, no_padding());
    EXPECT_TRUE(found.is_contiguous(torch::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(torch::equal(found.to(torch::kCPU), reference(images)));
    EXPECT_TRUE(torch::equal(images, every_byte())) << "the bytes were written to";
  }
}

TEST(NormalisedImagesTest, AreZeroWherePaddingIs) {
  Tensor padding = no_padding();
  padding[0].narrow(0, 0, 3).fill_(true);
  padding[1].narrow(1, 11, 5).fill_(true);
  const Tensor found = on_test_device(every_byte(), padding).to(torch::kCPU);
  EXPECT_TRUE(torch::equal(found, reference(every_byte()).masked_fill(padding.unsqueeze(1), 0)));
}

TEST(NormalisedImagesTest, ManyPixelsAreTheSameAsFew) {
  torch::manual_seed(1);
  const Tensor images = torch::randint(256, {3, 3, 130, 150}, torch::kUInt8);
  const Tensor padding = torch::rand({3, 130, 150}).lt(0.3);
  const Tensor found = on_test_device(images, padding).to(torch::kCPU);
  EXPECT_TRUE(torch::equal(found, reference(images).masked_fill(padding.unsqueeze(1), 0)));
  const auto one = [](const Tensor& of_all) { return of_all.narrow(0, 2, 1); };
  const Tensor alone = on_test_device(one(images), one(padding)).to(torch::kCPU);
  EXPECT_TRUE(torch::equal(one(found), alone));
}

TEST(NormalisedImagesTest, WhatIsNormalisedStays) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16, torch::kFloat64}) {
    const Tensor images = torch::randn({2, 3, 16, 16}).to(type);
    EXPECT_TRUE(normalised_images(images, no_padding()).is_same(images));
  }
}

TEST(NormalisedImagesTest, NoPictureGivesNone) {
  const Tensor found = on_test_device(every_byte().narrow(0, 0, 0), no_padding().narrow(0, 0, 0));
  EXPECT_EQ(found.sizes(), (std::vector<std::int64_t>{0, 3, 16, 16}));
  EXPECT_EQ(found.scalar_type(), torch::kFloat32);
}

TEST(NormalisedImagesTest, OtherTensorsAreRefused) {
  EXPECT_THROW(normalised_images(every_byte().to(torch::kInt32), no_padding()), std::logic_error);
  EXPECT_THROW(normalised_images(every_byte().narrow(1, 0, 2), no_padding()), std::logic_error);
  EXPECT_THROW(normalised_images(every_byte()[0], no_padding()), std::logic_error);
  EXPECT_THROW(normalised_images(every_byte(), no_padding()[0]), std::logic_error);
  EXPECT_THROW(normalised_images(every_byte(), no_padding().to(torch::kUInt8)), std::logic_error);
}

}  // namespace
}  // namespace referent
