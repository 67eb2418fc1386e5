// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/normalise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <fmt/ranges.h>

#include <array>

#include "referent/core/error.h"

namespace referent {
namespace {

using torch::Tensor;

constexpr std::size_t kChannels = 3;
constexpr float kMostByte = 255.0F;
constexpr std::array<float, kChannels> kMean = {0.485F, 0.456F, 0.406F};
constexpr std::array<float, kChannels> kStandardDeviation = {0.229F, 0.224F, 0.225F};

using NormalisedValues = std::array<std::array<float, 256>, kChannels>;

/// A byte has few values: each channel's normalised ones are looked up.
NormalisedValues make_normalised_values() {
  NormalisedValues values{};
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    for (std::size_t x = 0; x < 256; ++x) {
      values[channel][x] =
          (static_cast<float>(x) / kMostByte - kMean[channel]) / kStandardDeviation[channel];
    }
  }
  return values;
}

/// Bytes [pixels, 3] to values of the same shape.
void normalise_pixels(const std::uint8_t* from, const bool* padding, std::int64_t pixels,
                      float* to) {
  static const NormalisedValues values = make_normalised_values();
  for (std::int64_t i = 0; i < pixels; ++i, from += kChannels, to += kChannels) {
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
      to[channel] = padding[i] ? 0.0F : values[channel][from[channel]];
    }
  }
}

Tensor normalise_on_cpu(const Tensor& images, const Tensor& padding) {
  const Tensor bytes = images.contiguous(torch::MemoryFormat::ChannelsLast);
  const Tensor outside = padding.contiguous();
  Tensor values = at::empty(images.sizes(), images.options().dtype(torch::kFloat32),
                            torch::MemoryFormat::ChannelsLast);
  const auto* from = bytes.const_data_ptr<std::uint8_t>();
  const auto* is_padding = outside.const_data_ptr<bool>();
  auto* to = values.mutable_data_ptr<float>();
  constexpr std::int64_t kGrain = 1 << 14;
  at::parallel_for(0, padding.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const auto at = [&](auto* data) { return data + begin * static_cast<std::int64_t>(kChannels); };
    normalise_pixels(at(from), is_padding + begin, end - begin, at(to));
  });
  return values;
}

/// A number a channel. Filled on the device: work that is being recorded cannot wait for a copy.
Tensor per_channel(const std::array<float, kChannels>& values, const torch::Device& device) {
  Tensor result = at::empty({1, static_cast<std::int64_t>(kChannels), 1, 1},
                            torch::TensorOptions(torch::kFloat32).device(device));
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    result.select(1, static_cast<std::int64_t>(channel)).fill_(values[channel]);
  }
  return result;
}

}  // namespace

Tensor normalised_images(const Tensor& images, const Tensor& padding) {
  if (images.is_floating_point()) return images;
  REFERENT_CHECK(images.scalar_type() == torch::kUInt8 && images.dim() == 4 &&
                     images.size(1) == static_cast<std::int64_t>(kChannels),
                 "images of RGB bytes [B, 3, H, W] are expected, not {} of {} dimensions",
                 c10::toString(images.scalar_type()), images.dim());
  const std::array<std::int64_t, 3> pixels{images.size(0), images.size(2), images.size(3)};
  REFERENT_CHECK(
      padding.sizes() == at::IntArrayRef(pixels) && padding.scalar_type() == torch::kBool,
      "padding of bool [{}] is expected, not {} [{}]", fmt::join(pixels, ", "),
      c10::toString(padding.scalar_type()), fmt::join(padding.sizes(), ", "));
  if (images.is_cpu()) return normalise_on_cpu(images, padding);
  // Divided by a tensor: by a number, CUDA multiplies by its inverse, which rounds otherwise.
  const torch::Device device = images.device();
  const Tensor most = at::full({}, kMostByte, torch::TensorOptions(torch::kFloat32).device(device));
  return images
      .to(device, torch::kFloat32, /*non_blocking=*/false, /*copy=*/true,
          torch::MemoryFormat::ChannelsLast)
      .div_(most)
      .sub_(per_channel(kMean, device))
      .div_(per_channel(kStandardDeviation, device))
      .masked_fill_(padding.unsqueeze(1), 0);
}

}  // namespace referent
