// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent {

/// Pictures as networks compute with them: (x / 255 - mean) / std in float32, ImageNet's mean and
/// standard deviation of each channel, and 0 where there is padding. A byte a value travels between
/// threads and to a device in a quarter of the memory and time, so this is done where the model is.
///
/// `images` [B, 3, H, W] uint8 RGB gives float32, channels-last, the same bits on every device.
/// What is floating already is taken for normalised and given back. `padding` [B, H, W] bool, true
/// = padding, on the device of the images. Throws std::logic_error for other types or shapes.
torch::Tensor normalised_images(const torch::Tensor& images, const torch::Tensor& padding);

}  // namespace referent
