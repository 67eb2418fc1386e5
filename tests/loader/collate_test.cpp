// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/collate.h"

#include <gtest/gtest.h>

#include <numeric>

namespace referent::loader {
namespace {

data::Sample make_sample(std::int64_t width, std::int64_t height, std::int64_t top,
                         std::int64_t left) {
  data::Sample sample;
  sample.id = "a";
  sample.image = image::Image(width, height);
  for (std::size_t i = 0; i < sample.image.pixels.size(); ++i) {
    sample.image.pixels[i] = static_cast<std::uint8_t>((i * 37 + 11) % 256);
  }
  sample.size = 32;
  sample.top = top;
  sample.left = left;
  sample.tokens.ids = {101, 2000, 102};
  sample.target = {0.25F, 0.5F, 0.125F, 0.75F};
  return sample;
}

TEST(CollateTest, BytesLieWhereThePictureLies) {
  const std::vector<data::Sample> samples = {make_sample(32, 20, 6, 0), make_sample(11, 32, 0, 10)};
  const Batch batch = collate(samples, 5, 7);
  ASSERT_EQ(batch.images.sizes(), (std::vector<std::int64_t>{2, 3, 32, 32}));
  EXPECT_TRUE(batch.images.is_contiguous(torch::MemoryFormat::ChannelsLast));
  for (std::int64_t i = 0; i < 2; ++i) {
    const data::Sample& sample = samples[static_cast<std::size_t>(i)];
    const image::Image& image = sample.image;
    const Tensor bytes = torch::tensor(torch::ArrayRef<std::uint8_t>(image.pixels), torch::kUInt8)
                             .view({image.height, image.width, 3});
    Tensor square = torch::zeros({3, 32, 32}, torch::kUInt8);
    square.narrow(1, sample.top, image.height)
        .narrow(2, sample.left, image.width)
        .copy_(bytes.permute({2, 0, 1}));
    EXPECT_TRUE(torch::equal(batch.images[i], square));
    Tensor padding = torch::ones({32, 32}, torch::kBool);
    padding.narrow(0, sample.top, image.height).narrow(1, sample.left, image.width).fill_(false);
    EXPECT_TRUE(torch::equal(batch.image_padding[i], padding));
  }
}

TEST(CollateTest, PadsExpressionsAndKeepsTargets) {
  std::vector<data::Sample> samples = {make_sample(32, 32, 0, 0), make_sample(32, 32, 0, 0)};
  samples[1].tokens.ids = {101, 5, 6, 7, 102};
  samples[1].target = {0.1F, 0.2F, 0.3F, 0.4F};
  const Batch batch = collate(samples, 5, 9);
  EXPECT_TRUE(torch::equal(
      batch.tokens, torch::tensor({{101, 2000, 102, 9, 9}, {101, 5, 6, 7, 102}}, torch::kInt64)));
  const Tensor padding = torch::tensor({{0, 0, 0, 1, 1}, {0, 0, 0, 0, 0}}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(batch.token_padding, padding));
  EXPECT_TRUE(torch::equal(
      batch.boxes, torch::tensor({{0.25F, 0.5F, 0.125F, 0.75F}, {0.1F, 0.2F, 0.3F, 0.4F}})));
}

image::Mask checkered(std::int64_t width, std::int64_t height) {
  image::Mask mask(width, height);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) mask.pixels[i] = i % 3 == 0 ? 1 : 0;
  return mask;
}

TEST(CollateTest, MasksLieWhereThePictureLies) {
  std::vector<data::Sample> samples = {make_sample(32, 20, 6, 0), make_sample(11, 32, 0, 10),
                                       make_sample(8, 8, 3, 4)};
  samples[0].mask = checkered(32, 20);
  samples[2].mask = checkered(8, 8);
  const Batch batch = collate(samples, 5, 0);
  ASSERT_EQ(batch.masks.sizes(), (std::vector<std::int64_t>{3, 32, 32}));
  EXPECT_EQ(batch.masks.scalar_type(), torch::kUInt8);
  EXPECT_TRUE(torch::equal(batch.has_mask, torch::tensor({1, 0, 1}).to(torch::kBool)));
  for (const std::int64_t i : {0, 1, 2}) {
    const data::Sample& sample = samples[static_cast<std::size_t>(i)];
    Tensor square = torch::zeros({32, 32}, torch::kUInt8);
    if (sample.mask) {
      square.narrow(0, sample.top, sample.mask->height)
          .narrow(1, sample.left, sample.mask->width)
          .copy_(torch::from_blob(const_cast<std::uint8_t*>(sample.mask->pixels.data()),
                                  {sample.mask->height, sample.mask->width}, torch::kUInt8));
    }
    EXPECT_TRUE(torch::equal(batch.masks[i], square)) << i;
  }
  const Batch moved = batch.to(torch::kCPU);
  EXPECT_TRUE(torch::equal(moved.masks, batch.masks));
  EXPECT_TRUE(torch::equal(moved.has_mask, batch.has_mask));
}

TEST(CollateTest, WithoutAnyMaskThereAreNone) {
  const std::vector<data::Sample> samples = {make_sample(32, 20, 6, 0)};
  const Batch batch = collate(samples, 5, 0);
  EXPECT_FALSE(batch.masks.defined());
  EXPECT_FALSE(batch.has_mask.defined());
  EXPECT_FALSE(batch.to(torch::kCPU).masks.defined());
}

TEST(CollateTest, RefusesWhatDoesNotFit) {
  std::vector<data::Sample> samples = {make_sample(32, 32, 0, 0)};
  EXPECT_THROW(collate(samples, 2, 0), std::logic_error);  // three tokens
  samples[0].mask = checkered(32, 31);
  EXPECT_THROW(collate(samples, 5, 0), std::logic_error);
  samples[0].mask.reset();
  samples[0].left = 1;
  EXPECT_THROW(collate(samples, 5, 0), std::logic_error);  // sticks out
  EXPECT_THROW(collate({}, 5, 0), std::logic_error);
}

}  // namespace
}  // namespace referent::loader
