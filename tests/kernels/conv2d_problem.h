// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/conditional_conv2d/params.h"
#include "kernels/problem.h"

namespace referent::kernels {

struct Conv2dCase {
  int batch, height, width, channels, outputs, rank, kernel_height, kernel_width;
  bool biases, residual, save_low;
};

inline std::string name_of(const Conv2dCase& c) {
  return "b" + std::to_string(c.batch) + "_h" + std::to_string(c.height) + "_w" +
         std::to_string(c.width) + "_c" + std::to_string(c.channels) + "_m" +
         std::to_string(c.outputs) + "_r" + std::to_string(c.rank) + "_k" +
         std::to_string(c.kernel_height) + "x" + std::to_string(c.kernel_width) +
         (c.biases ? "_biases" : "") + (c.residual ? "_residual" : "") + (c.save_low ? "_low" : "");
}

/// As LinearProblem, for the convolution. Pixels of x lie `kGap` elements apart.
template <class Math>
class Conv2dProblem {
 public:
  using T = typename Math::Storage;
  static constexpr int kGap = 16 / sizeof(T);

  explicit Conv2dProblem(const Conv2dCase& c) : c_(c) {
    const auto size = [](auto... sizes) { return (static_cast<std::size_t>(sizes) * ...); };
    x = random_values<T>(size(pixels(), stride()), 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (static_cast<int>(i) % stride() >= c.channels) x[i] = from_float<T>(NAN);
    }
    down_weight = random_values<T>(size(c.rank, c.kernel_height, c.kernel_width, c.channels), 2);
    core = random_values<T>(size(c.batch, c.rank), 3);
    up_weight = random_values<T>(size(c.outputs, c.rank), 4);
    if (c.biases) down_bias = random_values<T>(size(c.rank), 5);
    if (c.biases) up_bias = random_values<T>(size(c.outputs), 6);
    if (c.residual) residual = random_values<T>(size(pixels(), c.outputs), 7);
    y = Buffer<T>(size(pixels(), c.outputs));
    low = Buffer<T>(c.save_low ? size(pixels(), c.rank) : 0);
  }

  template <class Address>
  ConditionalConv2dParams params(Address at) {
    ConditionalConv2dParams params;
    params.type = kDataType<T>;
    params.allow_tf32 = std::is_same_v<Math, Tf32Math>;
    params.batch = c_.batch;
    params.height = c_.height;
    params.width = c_.width;
    params.channels = c_.channels;
    params.outputs = c_.outputs;
    params.rank = c_.rank;
    params.kernel_height = c_.kernel_height;
    params.kernel_width = c_.kernel_width;
    params.x = at(x);
    params.x_column_stride = stride();
    params.x_row_stride = params.x_column_stride * c_.width;
    params.x_batch_stride = params.x_row_stride * c_.height;
    params.down_weight = at(down_weight);
    params.core = at(core);
    params.up_weight = at(up_weight);
    if (c_.biases) params.down_bias = at(down_bias);
    if (c_.biases) params.up_bias = at(up_bias);
    if (c_.residual) params.residual = at(residual);
    params.y = at(y);
    if (c_.save_low) params.low = at(low);
    return params;
  }

  double worst_error() const {
    const double u = unit_roundoff<Math>();
    const double operand = sizeof(T) == 2 ? 0x1p-20 : 2 * u;
    double worst = 0;
    for (int pixel = 0; pixel < pixels(); ++pixel) {
      const int sample = pixel / (c_.height * c_.width);
      std::vector<double> scaled(static_cast<std::size_t>(c_.rank)), sizes = scaled;
      for (int j = 0; j < c_.rank; ++j) {
        double sum = c_.biases ? value(down_bias, j) : 0, size = std::abs(sum);
        for_each_input(pixel, [&](int input, int tap) {
          for (int channel = 0; channel < c_.channels; ++channel) {
            const double product =
                value(x, input * stride() + channel) *
                value(down_weight,
                      (j * c_.kernel_height * c_.kernel_width + tap) * c_.channels + channel);
            sum += product;
            size += std::abs(product);
          }
        });
        if (c_.save_low) {
          const double bound = u * std::abs(sum) + operand * size + 1e-7;
          worst = std::max(worst, std::abs(value(low, pixel * c_.rank + j) - sum) / bound);
        }
        const double factor = value(core, sample * c_.rank + j);
        scaled[static_cast<std::size_t>(j)] = sum * factor;
        sizes[static_cast<std::size_t>(j)] = size * std::abs(factor);
      }
      for (int m = 0; m < c_.outputs; ++m) {
        double sum = (c_.biases ? value(up_bias, m) : 0) +
                     (c_.residual ? value(residual, pixel * c_.outputs + m) : 0);
        double update = 0, size = std::abs(sum);
        for (std::size_t j = 0; j < scaled.size(); ++j) {
          const double weight = value(up_weight, m * c_.rank + static_cast<int>(j));
          sum += scaled[j] * weight;
          update += std::abs(scaled[j] * weight);
          size += sizes[j] * std::abs(weight);
        }
        const double bound = u * (std::abs(sum) + 2 * update) + 2 * operand * size + 1e-7;
        worst = std::max(worst, std::abs(value(y, pixel * c_.outputs + m) - sum) / bound);
      }
    }
    return worst;
  }

  Buffer<T> x, down_weight, down_bias, core, up_weight, up_bias, residual, y, low;

 private:
  static double value(const Buffer<T>& buffer, int i) {
    return to_float(buffer[static_cast<std::size_t>(i)]);
  }
  int pixels() const { return c_.batch * c_.height * c_.width; }
  int stride() const { return c_.channels + kGap; }

  /// Calls visit(input pixel, tap) for the taps that lie inside the image.
  template <class Visit>
  void for_each_input(int pixel, Visit visit) const {
    const int sample = pixel / (c_.height * c_.width);
    const int row = pixel / c_.width % c_.height, column = pixel % c_.width;
    for (int i = 0; i < c_.kernel_height; ++i) {
      for (int j = 0; j < c_.kernel_width; ++j) {
        const int y_at = row + i - c_.kernel_height / 2, x_at = column + j - c_.kernel_width / 2;
        if (y_at < 0 || y_at >= c_.height || x_at < 0 || x_at >= c_.width) continue;
        visit((sample * c_.height + y_at) * c_.width + x_at, i * c_.kernel_width + j);
      }
    }
  }

  Conv2dCase c_;
};

}  // namespace referent::kernels
