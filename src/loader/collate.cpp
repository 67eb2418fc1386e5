// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/collate.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "referent/batch/memory_pool.h"
#include "referent/core/error.h"

namespace referent::loader {
namespace {

/// Fills one square of `channels` values a place: outside the sample's picture with `outside`,
/// inside by `write(row of the picture, where it goes)`.
template <typename T, typename WriteRow>
void fill_square(const data::Sample& sample, std::int64_t channels, T outside, T* square,
                 WriteRow&& write) {
  const image::Image& image = sample.image;
  const std::int64_t right = sample.size - sample.left - image.width;
  const std::int64_t bottom = sample.size - sample.top - image.height;
  T* to = std::fill_n(square, channels * sample.size * sample.top, outside);
  for (std::int64_t y = 0; y < image.height; ++y) {
    to = std::fill_n(to, channels * sample.left, outside);
    write(y, to);
    to = std::fill_n(to + channels * image.width, channels * right, outside);
  }
  std::fill_n(to, channels * sample.size * bottom, outside);
}

void write_image(const data::Sample& sample, std::uint8_t* square) {
  const image::Image& image = sample.image;
  fill_square(sample, 3, std::uint8_t{0}, square, [&](std::int64_t y, std::uint8_t* to) {
    std::copy_n(image.row(y), 3 * image.width, to);
  });
}

void write_padding(const data::Sample& sample, bool* square) {
  fill_square(sample, 1, true, square,
              [&](std::int64_t /*y*/, bool* to) { std::fill_n(to, sample.image.width, false); });
}

void write_mask(const data::Sample& sample, std::uint8_t* square) {
  const image::Mask& mask = sample.mask.value();
  fill_square(sample, 1, std::uint8_t{0}, square,
              [&](std::int64_t y, std::uint8_t* to) { std::copy_n(mask.row(y), mask.width, to); });
}

/// The target masks, where there are any.
void add_masks(std::span<const data::Sample> samples, std::int64_t size, Batch& batch) {
  const auto has_mask = [](const data::Sample& sample) { return sample.mask.has_value(); };
  if (std::ranges::none_of(samples, has_mask)) return;
  const auto count = static_cast<std::int64_t>(samples.size());
  batch.masks = torch::empty({count, size, size}, torch::kUInt8);
  batch.has_mask = torch::empty({count}, torch::kBool);
  auto* masks = batch.masks.mutable_data_ptr<std::uint8_t>();
  std::ranges::transform(samples, batch.has_mask.mutable_data_ptr<bool>(), has_mask);
  for (const data::Sample& sample : samples) {
    if (sample.mask) {
      write_mask(sample, masks);
    } else {
      std::fill_n(masks, size * size, std::uint8_t{0});
    }
    masks += size * size;
  }
}

void check(const data::Sample& sample, std::int64_t size) {
  REFERENT_CHECK(sample.size == size, "sample {}: square of {} among squares of {}", sample.id,
                 sample.size, size);
  REFERENT_CHECK(sample.top >= 0 && sample.top + sample.image.height <= size && sample.left >= 0 &&
                     sample.left + sample.image.width <= size,
                 "sample {}: {} x {} at ({}, {}) does not fit a square of {}", sample.id,
                 sample.image.width, sample.image.height, sample.left, sample.top, size);
  REFERENT_CHECK(!sample.mask || (sample.mask->width == sample.image.width &&
                                  sample.mask->height == sample.image.height),
                 "sample {}: a mask of another size than the picture", sample.id);
}

}  // namespace

Texts collate_texts(std::span<const text::Encoded> expressions, std::int64_t length,
                    std::int64_t pad_id) {
  const auto count = static_cast<std::int64_t>(expressions.size());
  Texts texts{torch::empty({count, length}, torch::kInt64),
              torch::empty({count, length}, torch::kBool)};
  auto* tokens = texts.tokens.mutable_data_ptr<std::int64_t>();
  auto* padding = texts.padding.mutable_data_ptr<bool>();
  std::fill_n(tokens, count * length, pad_id);
  std::fill_n(padding, count * length, true);
  for (const text::Encoded& expression : expressions) {
    REFERENT_CHECK(static_cast<std::int64_t>(expression.ids.size()) <= length,
                   "{} tokens, at most {} expected", expression.ids.size(), length);
    std::ranges::copy(expression.ids, tokens);
    std::fill_n(padding, expression.ids.size(), false);
    tokens += length;
    padding += length;
  }
  return texts;
}

Batch collate(std::span<const data::Sample> samples, std::int64_t length, std::int64_t pad_id) {
  REFERENT_CHECK(!samples.empty(), "a batch needs a sample");
  // A batch's memory is a later one's again: the system would hand it out anew page by page.
  static const MemoryPool pool;
  const MemoryPool::Scope pooled(pool);
  const auto count = static_cast<std::int64_t>(samples.size());
  const std::int64_t size = samples.front().size;
  Batch batch;
  // Filled by hand: ATen's own loops would start a team of threads in every loader worker.
  batch.images = torch::empty(
      {count, 3, size, size},
      torch::TensorOptions(torch::kUInt8).memory_format(torch::MemoryFormat::ChannelsLast));
  batch.image_padding = torch::empty({count, size, size}, torch::kBool);
  batch.boxes = torch::empty({count, 4}, torch::kFloat32);

  const std::int64_t area = size * size;
  auto* images = batch.images.mutable_data_ptr<std::uint8_t>();
  auto* image_padding = batch.image_padding.mutable_data_ptr<bool>();
  auto* boxes = batch.boxes.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const data::Sample& sample = samples[static_cast<std::size_t>(i)];
    check(sample, size);
    write_image(sample, images + i * area * 3);
    write_padding(sample, image_padding + i * area);
    std::ranges::copy(sample.target, boxes + i * 4);
  }
  std::vector<text::Encoded> expressions;
  expressions.reserve(samples.size());
  for (const data::Sample& sample : samples) expressions.push_back(sample.tokens);
  Texts texts = collate_texts(expressions, length, pad_id);
  batch.tokens = std::move(texts.tokens);
  batch.token_padding = std::move(texts.padding);
  add_masks(samples, size, batch);
  return batch;
}

}  // namespace referent::loader
