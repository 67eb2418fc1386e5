// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/inference/params.h"
#include "kernels/problem.h"

/// Inputs for the kernels of kernels/inference, what the formula gives in double, and how far a
/// kernel may be off: `worst_error` is at most 1. `params` maps buffers to the addresses that the
/// kernel shall use.
namespace referent::kernels {

template <class T>
double value(const Buffer<T>& buffer, long long i) {
  return to_float(buffer[static_cast<std::size_t>(i)]);
}

template <class... Sizes>
std::size_t count_of(Sizes... sizes) {
  return (static_cast<std::size_t>(sizes) * ...);
}

/// Half the distance of neighbouring numbers at 1.
template <class T>
inline constexpr double kRounding = std::is_same_v<T, Half>       ? 0x1p-11
                                    : std::is_same_v<T, BFloat16> ? 0x1p-8
                                                                  : 0x1p-24;

/// The largest ratio of an error to its bound; infinite where a number is missing.
class WorstError {
 public:
  void compare(double found, double expected, double bound) {
    const double ratio = found == expected || (std::isnan(found) && std::isnan(expected))
                             ? 0
                             : std::abs(found - expected) / bound;
    worst_ = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : std::max(worst_, ratio);
  }
  void compare(double found, double expected) { compare(found, expected, 0); }
  double worst() const { return worst_; }

 private:
  double worst_ = 0;
};

template <class T>
struct AddLayerNormProblem {
  int rows, width;
  bool sum_wanted;
  Buffer<T> a = random_values<T>(count_of(rows, width), 1, 2.0F);
  Buffer<T> b = random_values<T>(count_of(rows, width), 2);
  Buffer<T> weight = random_values<T>(count_of(width), 3);
  Buffer<T> bias = random_values<T>(count_of(width), 4);
  Buffer<T> sum = Buffer<T>(sum_wanted ? count_of(rows, width) : 0);
  Buffer<T> y = Buffer<T>(count_of(rows, width));
  static constexpr float kEpsilon = 1e-5F;

  auto inputs() { return std::tie(a, b, weight, bias); }
  auto outputs() { return std::tie(sum, y); }

  template <class Address>
  AddLayerNormParams params(Address at) {
    return {kDataType<T>, rows,     width,
            kEpsilon,     at(a),    at(b),
            at(weight),   at(bias), sum_wanted ? at(sum) : nullptr,
            at(y)};
  }

  double worst_error() const {
    WorstError error;
    for (int row = 0; row < rows; ++row) {
      std::vector<double> x(static_cast<std::size_t>(width));
      double mean = 0, variance = 0;
      for (int i = 0; i < width; ++i) {
        const long long place = static_cast<long long>(row) * width + i;
        const auto left = static_cast<float>(value(a, place));
        const auto right = static_cast<float>(value(b, place));
        const double kept = to_float(from_float<T>(left + right));
        if (sum_wanted) error.compare(value(sum, place), kept);
        x[static_cast<std::size_t>(i)] = kept;
        mean += kept / width;
      }
      for (const double number : x) variance += (number - mean) * (number - mean) / width;
      for (int i = 0; i < width; ++i) {
        const double norm =
            (x[static_cast<std::size_t>(i)] - mean) / std::sqrt(variance + kEpsilon);
        const double expected = norm * value(weight, i) + value(bias, i);
        error.compare(value(y, static_cast<long long>(row) * width + i), expected,
                      kRounding<T> * std::abs(expected) + 1e-5);
      }
    }
    return error.worst();
  }
};

template <class T>
struct MaxPoolProblem {
  int batch, height, width, channels;
  Buffer<T> x = with_a_nan(random_values<T>(count_of(batch, height, width, channels), 1));
  Buffer<T> y = Buffer<T>(count_of(batch, (height + 1) / 2, (width + 1) / 2, channels));

  static Buffer<T> with_a_nan(Buffer<T> values) {
    values[values.size() / 2] = from_float<T>(NAN);
    return values;
  }

  auto inputs() { return std::tie(x); }
  auto outputs() { return std::tie(y); }

  template <class Address>
  MaxPoolParams params(Address at) {
    return {kDataType<T>, batch, height, width, channels, at(x), at(y)};
  }

  double worst_error() const {
    WorstError error;
    long long place = 0;
    for (int b = 0; b < batch; ++b) {
      for (int row = 0; row < height; row += 2) {
        for (int column = 0; column < width; column += 2) {
          for (int c = 0; c < channels; ++c, ++place) {
            error.compare(value(y, place), most(b, row, column, c));
          }
        }
      }
    }
    return error.worst();
  }

 private:
  double most(int b, int row, int column, int channel) const {
    double most = -std::numeric_limits<double>::infinity();
    for (int v = std::max(row - 1, 0); v <= std::min(row + 1, height - 1); ++v) {
      for (int u = std::max(column - 1, 0); u <= std::min(column + 1, width - 1); ++u) {
        const double number =
            value(x, ((static_cast<long long>(b) * height + v) * width + u) * channels + channel);
        if (std::isnan(number)) return number;
        most = std::max(most, number);
      }
    }
    return most;
  }
};

struct GateCase {
  int batch, tokens, channels, text_width, width, hidden, rank;
  bool gates_visual;
  int gates;
};

template <class T>
class GateProblem {
 public:
  /// Between the rows of x, filled with NaN: a kernel that reads it shows.
  static constexpr int kGap = 16 / sizeof(T);

  explicit GateProblem(const GateCase& c)
      : x(random_values<T>(count_of(c.batch, c.tokens, c.channels + kGap), 1)),
        text(random_values<T>(count_of(c.batch, c.text_width), 2)),
        core(count_of(c.batch, c.gates, c.rank)),
        c_(c) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (static_cast<int>(i) % (c.channels + kGap) >= c.channels) x[i] = from_float<T>(NAN);
    }
    for (int gate = 0; gate < c.gates; ++gate) {
      std::uint64_t seed = 10 * static_cast<std::uint64_t>(gate) + 3;
      const auto random = [&](auto... sizes) {
        return random_values<float>(count_of(sizes...), seed++);
      };
      weights.push_back({random(c.width, c.channels), random(c.width, c.text_width),
                         random(c.hidden, c.width), random(c.hidden), random(c.width, c.hidden),
                         random(c.width), random(c.rank, c.width), random(c.rank)});
    }
  }

  struct Weights {
    Buffer<float> visual, text, inner, inner_bias, outer, outer_bias, core, core_bias;

    template <class Visit>
    void for_each(Visit visit) {
      for (Buffer<float>* buffer :
           {&visual, &text, &inner, &inner_bias, &outer, &outer_bias, &core, &core_bias}) {
        visit(*buffer);
      }
    }
  };

  auto inputs() { return std::tie(x, text); }
  auto outputs() { return std::tie(core); }

  template <class Address>
  GateParams params(Address at) {
    GateParams params;
    params.type = kDataType<T>;
    params.batch = c_.batch;
    params.tokens = c_.tokens;
    params.channels = c_.channels;
    params.text_width = c_.text_width;
    params.width = c_.width;
    params.hidden = c_.hidden;
    params.rank = c_.rank;
    params.gates_visual = c_.gates_visual;
    params.gates = c_.gates;
    const auto floats = [&](Buffer<float>& buffer) {
      return static_cast<const float*>(static_cast<const void*>(at(buffer)));
    };
    for (std::size_t i = 0; i < weights.size(); ++i) {
      Weights& w = weights[i];
      params.weights[i] = {floats(w.visual),     floats(w.text),     floats(w.inner),
                           floats(w.inner_bias), floats(w.outer),    floats(w.outer_bias),
                           floats(w.core),       floats(w.core_bias)};
    }
    params.x = at(x);
    params.x_row_stride = c_.channels + kGap;
    params.x_batch_stride = params.x_row_stride * c_.tokens;
    params.text = at(text);
    params.core = at(core);
    return params;
  }

  double worst_error() const {
    WorstError error;
    for (int b = 0; b < c_.batch; ++b) {
      for (int gate = 0; gate < c_.gates; ++gate) {
        const std::vector<double> expected = core_of(b, weights[static_cast<std::size_t>(gate)]);
        for (int i = 0; i < c_.rank; ++i) {
          const double wanted = expected[static_cast<std::size_t>(i)];
          const double found =
              value(core, (static_cast<long long>(b) * c_.gates + gate) * c_.rank + i);
          // Sums of `width` numbers of the order of 1, themselves sums.
          error.compare(found, wanted, kRounding<T> * std::abs(wanted) + 2e-6 * c_.width);
        }
      }
    }
    return error.worst();
  }

  Buffer<T> x, text, core;
  std::vector<Weights> weights;

 private:
  static std::vector<double> multiply(const Buffer<float>& matrix, const std::vector<double>& by) {
    const auto length = static_cast<long long>(by.size());
    std::vector<double> products(matrix.size() / by.size());
    for (std::size_t i = 0; i < products.size(); ++i) {
      for (long long j = 0; j < length; ++j) {
        products[i] +=
            value(matrix, static_cast<long long>(i) * length + j) * by[static_cast<std::size_t>(j)];
      }
    }
    return products;
  }

  std::vector<double> core_of(int b, const Weights& w) const {
    std::vector<double> mean(static_cast<std::size_t>(c_.channels));
    std::vector<double> words(static_cast<std::size_t>(c_.text_width));
    for (std::size_t i = 0; i < mean.size(); ++i) {
      for (int token = 0; token < c_.tokens; ++token) {
        const long long row =
            (static_cast<long long>(b) * c_.tokens + token) * (c_.channels + kGap);
        mean[i] += value(x, row + static_cast<long long>(i)) / c_.tokens;
      }
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i] = value(text, static_cast<long long>(b) * c_.text_width + static_cast<long long>(i));
    }
    const std::vector<double> v = multiply(w.visual, mean), t = multiply(w.text, words);
    std::vector<double> both(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) both[i] = v[i] + t[i];
    std::vector<double> hidden = multiply(w.inner, both);
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      hidden[i] = std::max(hidden[i] + value(w.inner_bias, static_cast<long long>(i)), 0.0);
    }
    const std::vector<double> logits = multiply(w.outer, hidden);
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double logit = logits[i] + value(w.outer_bias, static_cast<long long>(i));
      const double open = 1 / (1 + std::exp(-logit));
      both[i] = c_.gates_visual ? t[i] + open * v[i] : open * t[i] + v[i];
    }
    std::vector<double> result = multiply(w.core, both);
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] += value(w.core_bias, static_cast<long long>(i));
    }
    return result;
  }

  GateCase c_;
};

template <class T>
struct BlocksProblem {
  int batch, height, width, before, rows, columns;
  Buffer<T> x = random_values<T>(count_of(batch, height, width, 3), 1);
  Buffer<T> y = Buffer<T>(count_of(batch, rows, columns, 16));

  auto inputs() { return std::tie(x); }
  auto outputs() { return std::tie(y); }

  template <class Address>
  BlocksParams params(Address at) {
    return {kDataType<T>, batch, height, width, before, rows, columns, at(x), at(y)};
  }

  double worst_error() const {
    WorstError error;
    long long place = 0;
    for (int b = 0; b < batch; ++b) {
      for (int v = 0; v < rows; ++v) {
        for (int u = 0; u < columns; ++u) {
          for (int k = 0; k < 16; ++k, ++place) {
            const int row = 2 * v + k / 2 % 2 - before, column = 2 * u + k % 2 - before;
            const bool inside = k < 12 && row >= 0 && row < height && column >= 0 && column < width;
            const long long pixel = (static_cast<long long>(b) * height + row) * width + column;
            error.compare(value(y, place), inside ? value(x, pixel * 3 + k / 4) : 0);
          }
        }
      }
    }
    return error.worst();
  }
};

template <class T>
struct ScaledBottleneckProblem {
  int batch, pixels, rank;
  Buffer<T> x = random_values<T>(count_of(batch, pixels, rank), 1);
  Buffer<T> core = random_values<T>(count_of(batch, rank), 2);
  Buffer<T> y = Buffer<T>(count_of(batch, pixels, rank + 8));

  auto inputs() { return std::tie(x, core); }
  auto outputs() { return std::tie(y); }

  template <class Address>
  ScaledBottleneckParams params(Address at) {
    return {kDataType<T>, batch, pixels, rank, at(x), at(core), at(y)};
  }

  double worst_error() const {
    WorstError error;
    for (long long pixel = 0; pixel < static_cast<long long>(batch) * pixels; ++pixel) {
      for (int i = 0; i < rank + 8; ++i) {
        const double product =
            i < rank    ? value(x, pixel * rank + i) * value(core, pixel / pixels * rank + i)
            : i == rank ? 1
                        : 0;
        error.compare(value(y, pixel * (rank + 8) + i),
                      to_float(from_float<T>(static_cast<float>(product))));
      }
    }
    return error.worst();
  }
};

template <class T>
class RelativeFeaturesProblem {
 public:
  RelativeFeaturesProblem(int batch, int height, int width, int side, int heads, int depth) {
    params_.type = kDataType<T>;
    params_.batch = batch;
    params_.height = height;
    params_.width = width;
    params_.side = side;
    params_.heads = heads;
    params_.depth = depth;
    params_.features = (depth + 2 * side + 7) / 8 * 8;
    params_.offsets = (4 * side - 2 + 7) / 8 * 8;
    params_.row_stride = 3 * heads * depth + 8;
    const std::size_t cells = count_of(batch, height, width);
    qkv = random_values<T>(cells * count_of(params_.row_stride), 1);
    scores = random_values<T>(cells * count_of(heads, params_.offsets), 2);
    q = Buffer<T>(cells * count_of(heads, params_.features));
    k = Buffer<T>(q.size());
    v = Buffer<T>(cells * count_of(heads, depth));
  }

  auto inputs() { return std::tie(qkv, scores); }
  auto outputs() { return std::tie(q, k, v); }

  template <class Address>
  RelativeFeaturesParams params(Address at) {
    RelativeFeaturesParams params = params_;
    params.qkv = at(qkv);
    params.scores = at(scores);
    params.q = at(q);
    params.k = at(k);
    params.v = at(v);
    return params;
  }

  double worst_error() const {
    WorstError error;
    int window = 0;
    for (int b = 0; b < params_.batch; ++b) {
      for (int top = 0; top < params_.height; top += params_.side) {
        for (int left = 0; left < params_.width; left += params_.side, ++window) {
          for (int place = 0; place < params_.side * params_.side; ++place) {
            for (int head = 0; head < params_.heads; ++head) {
              compare(error, b, top, left, window, place, head);
            }
          }
        }
      }
    }
    return error.worst();
  }

  Buffer<T> qkv, scores, q, k, v;

 private:
  void compare(WorstError& error, int b, int top, int left, int window, int place, int head) const {
    const RelativeFeaturesParams& p = params_;
    const int y = place / p.side, x = place % p.side;
    const long long cells = static_cast<long long>(p.batch) * p.height * p.width;
    const long long cell = (static_cast<long long>(b) * p.height + top + y) * p.width + left + x;
    const long long row =
        (static_cast<long long>(window) * p.side * p.side + place) * p.heads + head;
    const auto input = [&](int which, int i) {
      return value(qkv, cell * p.row_stride + (which * p.heads + head) * p.depth + i);
    };
    for (int i = 0; i < p.depth; ++i) {
      error.compare(value(q, row * p.features + i), input(0, i));
      error.compare(value(k, row * p.features + i), input(1, i));
      error.compare(value(v, row * p.depth + i), input(2, i));
    }
    // Offsets of rows come first, then those of columns, both from the farthest before.
    const int offsets = 2 * p.side - 1;
    for (int i = 0; i < p.features - p.depth; ++i) {
      const bool of_row = i < p.side, beyond = i >= 2 * p.side;
      const int other = of_row ? i : i - p.side;
      const int offset = of_row ? other - y + p.side - 1 : offsets + other - x + p.side - 1;
      const long long at = row * p.features + p.depth + i;
      error.compare(value(q, at),
                    beyond ? 0 : value(scores, (head * cells + cell) * p.offsets + offset));
      error.compare(value(k, at), !beyond && other == (of_row ? y : x) ? 1 : 0);
    }
  }

  RelativeFeaturesParams params_;
};

}  // namespace referent::kernels
