// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/image/image.h"

/// Pillow's ImageEnhance and GaussianBlur, bit for bit and in place. An enhancement blends the
/// picture with a degenerate one, `degenerate + factor * (picture - degenerate)`: factor 1 changes
/// nothing, factors above 1 exaggerate and saturate.
namespace referent::image {

/// Blends with black (ImageEnhance.Brightness).
void adjust_brightness(Image& image, double factor);

/// Blends with the picture's rounded mean grey (ImageEnhance.Contrast).
void adjust_contrast(Image& image, double factor);

/// Blends with the picture's grey version (ImageEnhance.Color).
void adjust_saturation(Image& image, double factor);

/// ImageFilter.GaussianBlur(sigma): three passes of an extended box filter in each direction, which
/// approximate a Gaussian of standard deviation `sigma` >= 0 pixels (Gwosdek et al., "Theoretical
/// foundations of Gaussian convolution by extended box filtering", 2011).
void gaussian_blur(Image& image, double sigma);

}  // namespace referent::image
