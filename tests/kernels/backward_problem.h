// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/conditional_linear/params.h"
#include "kernels/conditional_linear/support.h"
#include "kernels/problem.h"

namespace referent::kernels {

struct BackwardCase {
  int batch, tokens, outputs, rank;
  bool dense, scaled_low;
};

inline std::string name_of(const BackwardCase& c) {
  return "b" + std::to_string(c.batch) + "_n" + std::to_string(c.tokens) + "_m" +
         std::to_string(c.outputs) + "_r" + std::to_string(c.rank) +
         (c.dense ? "_dense" : "_diagonal") + (c.scaled_low ? "_scaled" : "");
}

/// As LinearProblem, for the backward pass.
template <class Math>
class BackwardProblem {
 public:
  using T = typename Math::Storage;
  static constexpr int kGap = 16 / sizeof(T);

  explicit BackwardProblem(const BackwardCase& c) : c_(c) {
    const auto size = [](auto... sizes) { return (static_cast<std::size_t>(sizes) * ...); };
    y_gradient = random_values<T>(size(c.batch, c.tokens, stride()), 1);
    for (std::size_t i = 0; i < y_gradient.size(); ++i) {
      if (static_cast<int>(i) % stride() >= c.outputs) y_gradient[i] = from_float<T>(NAN);
    }
    p = random_values<T>(size(c.outputs, c.rank), 2);
    low = random_values<T>(size(c.batch, c.tokens, c.rank), 3);
    core = random_values<T>(size(c.batch, core_size()), 4);
    low_gradient = Buffer<T>(low.size());
    scaled_low = Buffer<T>(c.scaled_low ? low.size() : 0);
    core_gradient = Buffer<T>(core.size());
    const auto identity = [](auto& buffer) { return static_cast<void*>(buffer.data()); };
    workspace = Buffer<float>(low_rank_backward_workspace(params(identity)) / sizeof(float));
  }

  template <class Address>
  LowRankBackwardParams params(Address at) {
    LowRankBackwardParams params;
    params.type = kDataType<T>;
    params.allow_tf32 = std::is_same_v<Math, Tf32Math>;
    params.batch = c_.batch;
    params.tokens = c_.tokens;
    params.outputs = c_.outputs;
    params.rank = c_.rank;
    params.dense = c_.dense;
    params.y_gradient = {at(y_gradient), static_cast<long long>(c_.tokens) * stride(), stride()};
    params.p = at(p);
    params.p_stride = c_.rank;
    params.low = at(low);
    params.core = at(core);
    params.low_gradient = at(low_gradient);
    if (c_.scaled_low) params.scaled_low = at(scaled_low);
    params.core_gradient = at(core_gradient);
    params.workspace = static_cast<float*>(at(workspace));
    return params;
  }

  double worst_error() const {
    const double u = unit_roundoff<Math>();
    const double operand = sizeof(T) == 2 ? 0x1p-20 : 2 * u;
    const int r = c_.rank;
    double worst = 0;
    const auto check = [&](double got, double expected, double size) {
      worst = std::max(worst,
                       std::abs(got - expected) / (u * std::abs(expected) + operand * size + 1e-7));
    };
    for (int b = 0; b < c_.batch; ++b) {
      std::vector<double> core_sum(static_cast<std::size_t>(core_size())), core_sizes = core_sum;
      for (int n = 0; n < c_.tokens; ++n) {
        const int row = b * c_.tokens + n;
        std::vector<double> gradient(static_cast<std::size_t>(r)), size = gradient;
        for (int j = 0; j < r; ++j) {
          for (int m = 0; m < c_.outputs; ++m) {
            const double product = value(y_gradient, row * stride() + m) * value(p, m * r + j);
            gradient[static_cast<std::size_t>(j)] += product;
            size[static_cast<std::size_t>(j)] += std::abs(product);
          }
        }
        for (int j = 0; j < r; ++j) {
          double back = 0, back_size = 0, scaled = 0, scaled_size = 0;
          for (int k = 0; k < r; ++k) {
            if (!c_.dense && k != j) continue;
            const auto at = static_cast<std::size_t>(k);
            const double there = core_at(b, j, k), here = core_at(b, k, j);
            back += gradient[at] * there;
            back_size += size[at] * std::abs(there);
            scaled += value(low, row * r + k) * here;
            scaled_size += std::abs(value(low, row * r + k) * here);
            const auto entry = static_cast<std::size_t>(c_.dense ? j * r + k : j);
            core_sum[entry] += value(low, row * r + j) * gradient[at];
            core_sizes[entry] += std::abs(value(low, row * r + j)) * size[at];
          }
          check(value(low_gradient, row * r + j), back, back_size);
          if (c_.scaled_low) check(value(scaled_low, row * r + j), scaled, scaled_size);
        }
      }
      for (int i = 0; i < core_size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        check(value(core_gradient, b * core_size() + i), core_sum[at], core_sizes[at]);
      }
    }
    return worst;
  }

  Buffer<T> y_gradient, p, low, core, low_gradient, scaled_low, core_gradient;
  Buffer<float> workspace;

 private:
  static double value(const Buffer<T>& buffer, int i) {
    return to_float(buffer[static_cast<std::size_t>(i)]);
  }
  int core_size() const { return c_.rank * (c_.dense ? c_.rank : 1); }
  int stride() const { return (c_.outputs + kGap - 1) / kGap * kGap + kGap; }
  double core_at(int b, int row, int column) const {
    return value(core, c_.dense ? (b * c_.rank + row) * c_.rank + column : b * c_.rank + row);
  }

  BackwardCase c_;
};

}  // namespace referent::kernels
