// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "model_run.h"
#include "referent/core/error.h"
#include "referent/ops/conditional_conv2d.h"
#include "referent/ops/conditional_linear.h"
#include "referent/ops/own_kernels.h"
#include "subjects.h"

namespace referent::app::bench {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

constexpr std::int64_t kTextWidth = 256;
constexpr std::int64_t kGateWidth = 128;
constexpr std::int64_t kGateHidden = 32;
constexpr std::int64_t kRank = 64;

/// Makes leaves of one type on one device, which also is how a pass asks for all gradients.
struct Maker {
  at::TensorOptions options;
  Tensors* leaves;

  /// Normal values over the square root of `fan_in`, the outputs then being about 1.
  Tensor operator()(at::IntArrayRef shape, std::int64_t fan_in = 1) const {
    const Tensor values =
        torch::randn(shape, torch::kFloat32) / std::sqrt(static_cast<double>(fan_in));
    leaves->push_back(values.to(options).set_requires_grad(true));
    return leaves->back();
  }
};

/// MMCA's gate and the weights that make a core of what it fuses.
struct Gate {
  Gate(const Maker& make, std::int64_t channels)
      : visual(make({kGateWidth, channels}, channels)),
        text(make({kGateWidth, kTextWidth}, kTextWidth)),
        inner(make({kGateHidden, kGateWidth}, kGateWidth)),
        inner_bias(make({kGateHidden}, kGateWidth)),
        outer(make({kGateWidth, kGateHidden}, kGateHidden)),
        outer_bias(make({kGateWidth}, kGateHidden)),
        core_weight(make({kGateWidth, kRank}, kGateWidth)),
        core_bias(make({kRank})) {}

  Tensor visual, text, inner, inner_bias, outer, outer_bias, core_weight, core_bias;

  /// projected_mean [B, 128], text_mean [B, 256] -> [B, r].
  Tensor core(const Tensor& projected_mean, const Tensor& text_mean) const {
    const Tensor t = at::linear(text_mean, text);
    const Tensor hidden = at::relu(at::linear(projected_mean + t, inner, inner_bias));
    const Tensor gate = at::sigmoid(at::linear(hidden, outer, outer_bias));
    return at::addmm(core_bias, t + gate * projected_mean, core_weight);
  }
};

/// One op: what a pass computes by ours, by plain ATen with the same algebra, and as released.
struct Subject {
  std::string name;
  std::function<Tensors()> ours, composition, released;
  double forward_flop, backward_flop;
  std::shared_ptr<Tensors> leaves;
};

struct Setting {
  at::TensorOptions options;
  std::int64_t batch;
  std::int64_t image;  ///< side of the square [pixels]

  Maker maker(const std::shared_ptr<Tensors>& leaves) const { return {options, leaves.get()}; }
};

Tensor plain_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const ops::LowRankUpdate& u) {
  const Tensor bottleneck = at::matmul(u.input.defined() ? u.input : x, u.q);
  const Tensor scaled =
      u.core.dim() == 2 ? bottleneck * u.core.unsqueeze(1) : bottleneck.bmm(u.core);
  const Tensor y = bias.dim() == 1 ? at::linear(x, weight, bias) : at::linear(x, weight) + bias;
  return y + at::matmul(scaled, u.p.t());
}

/// The least multiplications, as FLOP, of a conditional linear layer's forward pass.
double linear_flop(double batch, double tokens, double inputs, double outputs, double rank,
                   bool own_weights) {
  const double factors = tokens * rank * (inputs + outputs);
  const double update = own_weights ? std::min(factors, inputs * outputs * rank) : factors;
  return 2 * batch * (tokens * inputs * outputs + update);
}

/// MMCA's q and k of a layer of the DETR encoder, 256 wide; their updates stand beside one another.
/// For inference the products of constants, W U and W position, are given, as in a frozen plan.
Subject mmca_linear(const Setting& s, bool training) {
  constexpr std::int64_t kWidth = 256;
  const std::int64_t tokens = (s.image / 32) * (s.image / 32);
  const auto leaves = std::make_shared<Tensors>();
  const Maker make = s.maker(leaves);
  const Tensor x = make({s.batch, tokens, kWidth});
  const Tensor position = make({1, tokens, kWidth}).detach();
  leaves->pop_back();
  const Tensor text = make({s.batch, kTextWidth});
  const Tensor weight = make({2 * kWidth, kWidth}, kWidth);
  const Tensor bias = make({2 * kWidth}, kWidth);
  struct Adapter {
    Gate gate;
    Tensor down, up;
  };
  std::vector<Adapter> adapters;
  adapters.reserve(2);
  for (int i = 0; i < 2; ++i) {
    adapters.push_back(
        {Gate(make, kWidth), make({kRank, kWidth}, kWidth), make({kWidth, kRank}, kRank)});
  }
  const auto weight_of = [=](int i) { return weight.narrow(0, i * kWidth, kWidth); };
  const auto products = [=] {
    return ops::LowRankUpdate{
        at::cat({adapters[0].down, adapters[1].down}).t(),
        at::block_diag({weight_of(0).mm(adapters[0].up), weight_of(1).mm(adapters[1].up)}),
        {},
        {}};
  };
  const ops::LowRankUpdate constants = products();
  const Tensor offset = at::linear(position, weight, bias).detach();

  const auto by = [=](auto&& linear) {
    ops::LowRankUpdate update = training ? products() : constants;
    const Tensor mean = x.mean(1);
    const auto core = [&](int i) {
      return adapters[i].gate.core(at::linear(mean, adapters[i].gate.visual), text);
    };
    update.core = at::cat({core(0), core(1)}, 1);
    if (training) update.input = x;
    const Tensor y =
        training ? linear(x + position, weight, bias, update) : linear(x, weight, offset, update);
    return Tensors{y.narrow(2, 0, kWidth), y.narrow(2, kWidth, kWidth)};
  };
  const auto as_released = [=] {
    Tensors outputs;
    for (int i = 0; i < 2; ++i) {
      const Adapter& a = adapters[i];
      const Tensor core = a.gate.core(at::linear(x, a.gate.visual).mean(1), text);
      const Tensor update = at::linear(at::linear(x, a.down) * core.unsqueeze(1), a.up);
      outputs.push_back(
          at::linear(x + position + update, weight_of(i), bias.narrow(0, i * kWidth, kWidth)));
    }
    return outputs;
  };
  const auto ours = [](const Tensor& input, const Tensor& w, const Tensor& b,
                       const ops::LowRankUpdate& u) {
    return ops::conditional_linear(input, w, b, u);
  };
  const double factors = linear_flop(static_cast<double>(s.batch), static_cast<double>(tokens),
                                     kWidth, 2 * kWidth, 2 * kRank, false);
  const double least = linear_flop(static_cast<double>(s.batch), static_cast<double>(tokens),
                                   kWidth, 2 * kWidth, 2 * kRank, !training);
  return {fmt::format("conditional_linear MMCA q, k {} x {}", tokens, kWidth),
          [=] { return by(ours); },
          [=] { return by(plain_linear); },
          as_released,
          least,
          2 * factors,
          leaves};
}

/// VG-LAW's fused q, k and v of a ViT-B, r = 32. Released: P and Q as convolutions of width one.
Subject vg_law_linear(const Setting& s) {
  constexpr std::int64_t kWidth = 768;
  constexpr std::int64_t kLawRank = 32;
  const std::int64_t tokens = (s.image / 16) * (s.image / 16);
  const auto leaves = std::make_shared<Tensors>();
  const Maker make = s.maker(leaves);
  const Tensor x = make({s.batch, tokens, kWidth});
  const Tensor weight = make({3 * kWidth, kWidth}, kWidth);
  const Tensor bias = make({3 * kWidth}, kWidth);
  const Tensor down = make({kLawRank, kWidth, 1}, kWidth);
  const Tensor up = make({3 * kWidth, kLawRank, 1}, kLawRank);
  const Tensor m = make({s.batch, kLawRank, kLawRank}, kLawRank);
  const auto update = [=] {
    return ops::LowRankUpdate{down.squeeze(-1).t(), up.squeeze(-1), m.transpose(1, 2), {}};
  };
  const double flop = linear_flop(static_cast<double>(s.batch), static_cast<double>(tokens), kWidth,
                                  3 * kWidth, kLawRank, true);
  return {
      fmt::format("conditional_linear VG-LAW q, k, v {} x {}", tokens, kWidth),
      [=] { return Tensors{ops::conditional_linear(x, weight, bias, update())}; },
      [=] { return Tensors{plain_linear(x, weight, bias, update())}; },
      [=] {
        const Tensor bottleneck = m.bmm(at::conv1d(x.transpose(1, 2), down));  // [B, r, N]
        return Tensors{at::linear(x, weight, bias) + at::conv1d(bottleneck, up).transpose(1, 2)};
      },
      flop,
      2 * flop,
      leaves};
}

/// MMCA's update of the last block of a residual stage, released form, its gate included.
Subject mmca_convolution(const Setting& s, std::int64_t channels, std::int64_t stride) {
  const std::int64_t side = s.image / stride;
  const auto leaves = std::make_shared<Tensors>();
  const Maker make = s.maker(leaves);
  const auto map = [&] {
    Tensor leaf = make({s.batch, channels, side, side})
                      .detach()
                      .contiguous(at::MemoryFormat::ChannelsLast)
                      .set_requires_grad(true);
    leaves->back() = leaf;
    return leaf;
  };
  const Tensor x = map();
  const Tensor residual = map();
  const Tensor text = make({s.batch, kTextWidth});
  const Gate gate(make, channels);
  const ops::ConvolutionUpdate u{make({kRank, channels, 3, 3}, 9 * channels),
                                 make({kRank}, channels),
                                 {},
                                 make({channels, kRank, 1, 1}, kRank),
                                 make({channels}, kRank)};
  const auto core = [=] { return gate.core(at::linear(x.mean({2, 3}), gate.visual), text); };
  const auto composed = [=](const Tensor& c) {
    const Tensor bottleneck = at::conv2d(x, u.down_weight, u.down_bias, 1, 1);
    const Tensor scaled = bottleneck * c.unsqueeze(-1).unsqueeze(-1);
    return Tensors{residual + at::conv2d(scaled, u.up_weight, u.up_bias)};
  };
  const double flop = 2.0 * static_cast<double>(s.batch * side * side * kRank * channels) * (9 + 1);
  return {fmt::format("conditional_conv2d MMCA {} x {} x {}", channels, side, side),
          [=] {
            ops::ConvolutionUpdate update = u;
            update.core = core();
            return Tensors{ops::conditional_conv2d(x, update, residual)};
          },
          [=] { return composed(core()); },
          [=] {
            const Tensor weight = gate.visual.unsqueeze(-1).unsqueeze(-1);
            return composed(gate.core(at::conv2d(x, weight).mean({2, 3}), text));
          },
          flop,
          2 * flop,
          leaves};
}

/// A pass forward, or forward and back to every leaf: the outputs and then the gradients.
std::function<Tensors()> pass(const std::function<Tensors()>& forward, const Subject& subject,
                              bool training) {
  if (!training) {
    return [=] {
      const c10::InferenceMode inference;
      return forward();
    };
  }
  const auto upstream = std::make_shared<Tensors>();
  for (const Tensor& output : subject.composition()) upstream->push_back(at::ones_like(output));
  return [=, leaves = subject.leaves] {
    const Tensors outputs = forward();
    Tensors all = torch::autograd::grad(outputs, *leaves, *upstream);
    for (const Tensor& output : outputs) all.push_back(output.detach());
    return all;
  };
}

}  // namespace

std::vector<Row> bench_ops(const BenchOptions& options, torch::Device device) {
  const torch::ScalarType type = type_of(options, device);
  torch::manual_seed(0);
  const at::TensorOptions tensors = at::TensorOptions().dtype(type).device(device);
  const double peak = peak_gflops(type, device);
  const Setting mmca{tensors, options.batch_size, options.image_size.value_or(640)};
  const Setting law{tensors, options.batch_size, options.image_size.value_or(448)};

  std::vector<Row> rows;
  for (const bool training : {false, true}) {
    for (const Subject& subject :
         {mmca_linear(mmca, training), vg_law_linear(law), mmca_convolution(mmca, 512, 8),
          mmca_convolution(mmca, 1024, 16), mmca_convolution(mmca, 2048, 32)}) {
      const double gflop = (subject.forward_flop + (training ? subject.backward_flop : 0.0)) / 1e9;
      const Floor floor{1e3 * gflop / peak,
                        fmt::format("{:.3f} GFLOP / {:.0f} GFLOP/s", gflop, peak)};
      const auto by_own_kernels = [ours = pass(subject.ours, subject, training)] {
        ops::use_own_kernels(true);
        Tensors outputs = ours();
        ops::use_own_kernels(false);
        return outputs;
      };
      std::vector<std::pair<const char*, std::function<Tensors()>>> rivals{
          {"composition", pass(subject.composition, subject, training)},
          {"released", pass(subject.released, subject, training)}};
      if (device.is_cuda()) rivals.emplace_back("own kernels", by_own_kernels);
      for (const auto& [name, rival] : rivals) {
        const Work work{fmt::format("{} batch {} {} {}", subject.name, options.batch_size,
                                    options.dtype, training ? "forward + backward" : "forward"),
                        {"op", pass(subject.ours, subject, training)},
                        Contender{name, rival},
                        type == torch::kFloat32 ? 1e-4 : 5e-2,
                        floor};
        rows.push_back(measure(work, options.rounds, device));
      }
    }
  }
  return rows;
}

}  // namespace referent::app::bench
