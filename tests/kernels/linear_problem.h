// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

#include "kernels/conditional_linear/params.h"
#include "kernels/problem.h"

namespace referent::kernels {

struct LinearCase {
  int batch, tokens, inputs, outputs, rank;
  int low_rank_inputs;  ///< 0: z = x
  bool dense;
  int bias_dimensions;  ///< 0: none, 1: [M], 2: [N, M], 3: [B, N, M]
  bool save_low;
};

inline std::string name_of(const LinearCase& c) {
  return "b" + std::to_string(c.batch) + "_n" + std::to_string(c.tokens) + "_k" +
         std::to_string(c.inputs) + "_m" + std::to_string(c.outputs) + "_r" +
         std::to_string(c.rank) + "_z" + std::to_string(c.low_rank_inputs) +
         (c.dense ? "_dense" : "_diagonal") + "_bias" + std::to_string(c.bias_dimensions) +
         (c.save_low ? "_low" : "");
}

/// Random inputs of a case, what the formula gives in double, and how far a kernel may be off.
template <class Math>
class LinearProblem {
 public:
  using T = typename Math::Storage;
  /// Gap between rows of x, filled with NaN: a kernel that reads it shows.
  static constexpr int kGap = 16 / sizeof(T);

  explicit LinearProblem(const LinearCase& c)
      : c_(c), kz_(c.low_rank_inputs > 0 ? c.low_rank_inputs : c.inputs) {
    const auto size = [](auto... sizes) { return (static_cast<std::size_t>(sizes) * ...); };
    x = random_values<T>(size(c.batch, c.tokens, x_stride()), 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (static_cast<int>(i) % x_stride() >= c.inputs) x[i] = from_float<T>(NAN);
    }
    if (c.low_rank_inputs > 0) z = random_values<T>(size(c.batch, c.tokens, z_stride()), 2);
    weight = random_values<T>(size(c.outputs, x_stride()), 3);
    q = random_values<T>(size(c.rank, z_stride()), 4);
    p = random_values<T>(size(c.outputs, c.rank), 5);
    core = random_values<T>(size(c.batch, c.rank, c.dense ? c.rank : 1), 6);
    const int bias_rows = c.bias_dimensions < 2    ? 1
                          : c.bias_dimensions == 2 ? c.tokens
                                                   : c.batch * c.tokens;
    if (c.bias_dimensions > 0) bias = random_values<T>(size(bias_rows, c.outputs), 7);
    y = Buffer<T>(size(c.batch, c.tokens, c.outputs));
    low = Buffer<T>(c.save_low ? size(c.batch, c.tokens, c.rank) : 0);
  }

  /// `at` maps a buffer to the address that the kernel shall use.
  template <class Address>
  ConditionalLinearParams params(Address at) {
    ConditionalLinearParams params;
    params.type = kDataType<T>;
    params.allow_tf32 = std::is_same_v<Math, Tf32Math>;
    params.batch = c_.batch;
    params.tokens = c_.tokens;
    params.inputs = c_.inputs;
    params.low_rank_inputs = kz_;
    params.outputs = c_.outputs;
    params.rank = c_.rank;
    params.dense = c_.dense;
    params.x = {at(x), static_cast<long long>(c_.tokens) * x_stride(), x_stride()};
    if (c_.low_rank_inputs > 0) {
      params.z = {at(z), static_cast<long long>(c_.tokens) * z_stride(), z_stride()};
    }
    params.weight = at(weight);
    params.weight_stride = x_stride();
    params.q = at(q);
    params.q_row_stride = 1;
    params.q_column_stride = z_stride();
    params.p = at(p);
    params.p_stride = c_.rank;
    params.core = at(core);
    if (c_.bias_dimensions > 0) {
      const long long row = c_.bias_dimensions > 1 ? c_.outputs : 0;
      params.bias = {at(bias), c_.bias_dimensions > 2 ? row * c_.tokens : 0, row};
    }
    params.y = {at(y), static_cast<long long>(c_.tokens) * c_.outputs, c_.outputs};
    if (c_.save_low) params.low = at(low);
    return params;
  }

  /// The largest |error| / bound over y and low; at most 1 where the kernel is right. The bound
  /// counts one rounding of every operand that Math rounds, of the bottleneck, and of the result.
  double worst_error() const {
    double worst = 0;
    const double u = unit_roundoff<Math>();
    const double operand = sizeof(T) == 2 ? 0x1p-20 : 2 * u;  // bf16 and fp16 products are exact
    for (int row = 0; row < c_.batch * c_.tokens; ++row) {
      std::vector<double> bottleneck(static_cast<std::size_t>(c_.rank)), size = bottleneck;
      for (int j = 0; j < c_.rank; ++j) {
        for (int k = 0; k < kz_; ++k) {
          const double product = low_rank_input(row, k) * value(q, j * z_stride() + k);
          bottleneck[static_cast<std::size_t>(j)] += product;
          size[static_cast<std::size_t>(j)] += std::abs(product);
        }
        if (c_.save_low) {
          const auto at = static_cast<std::size_t>(j);
          worst = std::max(worst, std::abs(value(low, row * c_.rank + j) - bottleneck[at]) /
                                      (u * std::abs(bottleneck[at]) + operand * size[at] + 1e-7));
        }
      }
      const std::vector<double> scaled = scale(bottleneck, row / c_.tokens, false);
      const std::vector<double> scaled_size = scale(size, row / c_.tokens, true);
      for (int m = 0; m < c_.outputs; ++m) {
        double sum = bias_at(row, m), base = std::abs(sum), update = 0, update_size = 0;
        for (int k = 0; k < c_.inputs; ++k) {
          const double product = value(x, row * x_stride() + k) * value(weight, m * x_stride() + k);
          sum += product;
          base += std::abs(product);
        }
        for (std::size_t j = 0; j < scaled.size(); ++j) {
          const double factor = value(p, m * c_.rank + static_cast<int>(j));
          sum += scaled[j] * factor;
          update += std::abs(scaled[j] * factor);
          update_size += scaled_size[j] * std::abs(factor);
        }
        const double rounding = c_.dense ? update_size : update;
        const double bound =
            u * std::abs(sum) + operand * (base + 2 * update_size) + 2 * u * rounding + 1e-7;
        worst = std::max(worst, std::abs(value(y, row * c_.outputs + m) - sum) / bound);
      }
    }
    return worst;
  }

  Buffer<T> x, z, weight, q, p, core, bias, y, low;

 private:
  static double value(const Buffer<T>& buffer, int i) {
    return to_float(buffer[static_cast<std::size_t>(i)]);
  }
  int x_stride() const { return round_up(c_.inputs) + kGap; }
  int z_stride() const { return c_.low_rank_inputs > 0 ? round_up(kz_) : x_stride(); }
  static int round_up(int length) { return (length + kGap - 1) / kGap * kGap; }
  double low_rank_input(int row, int k) const {
    return c_.low_rank_inputs > 0 ? value(z, row * z_stride() + k) : value(x, row * x_stride() + k);
  }
  double bias_at(int row, int m) const {
    if (c_.bias_dimensions == 0) return 0;
    const int bias_row = c_.bias_dimensions == 1   ? 0
                         : c_.bias_dimensions == 2 ? row % c_.tokens
                                                   : row;
    return value(bias, bias_row * c_.outputs + m);
  }
  std::vector<double> scale(const std::vector<double>& low_row, int sample, bool absolute) const {
    const int r = c_.rank;
    const auto core_at = [&](int i) {
      return absolute ? std::abs(value(core, i)) : value(core, i);
    };
    std::vector<double> scaled(low_row.size());
    for (int j = 0; j < r; ++j) {
      if (!c_.dense) {
        scaled[static_cast<std::size_t>(j)] =
            low_row[static_cast<std::size_t>(j)] * core_at(sample * r + j);
        continue;
      }
      for (int k = 0; k < r; ++k) {
        scaled[static_cast<std::size_t>(j)] +=
            low_row[static_cast<std::size_t>(k)] * core_at((sample * r + k) * r + j);
      }
    }
    return scaled;
  }

  LinearCase c_;
  int kz_;
};

}  // namespace referent::kernels
