// SPDX-License-Identifier: Apache-2.0
#include "referent/training/step.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "referent/batch/memory_pool.h"
#include "referent/training/memory.h"

namespace referent::training {
namespace {

/// The values of the pieces, summed; on the device, in float64.
class Sums {
 public:
  void add(const Losses& losses, double weight) {
    std::vector<Tensor> values{losses.total};
    if (names_.empty()) names_.emplace_back("loss");
    for (const auto& [name, value] : losses.parts) {
      if (names_.size() == values.size()) names_.push_back("loss_" + name);
      values.push_back(value);
    }
    for (Tensor& value : values) value = value.detach().to(torch::kFloat64);
    const Tensor all = torch::stack(values) * weight;
    sums_ = sums_.defined() ? sums_ + all : all;
  }

  const std::vector<std::string>& names() const { return names_; }
  const Tensor& sums() const { return sums_; }

 private:
  std::vector<std::string> names_;
  Tensor sums_;
};

Losses losses_of(models::Model& model, const Batch& batch, const losses::BatchCounts& whole,
                 const StepOptions& options) {
  RECORD_USER_SCOPE("forward pass");
  ForwardOptions how = options.forward;
  how.masks_count = whole.masks > 0;
  return losses::grounding_losses(options.loss, forward(model, batch, how), batch, whole);
}

void backward(const Tensor& loss, const Exchange& exchange, bool last) {
  RECORD_USER_SCOPE("backward pass");
  if (exchange.reducer == nullptr) {
    loss.backward();
  } else if (last) {
    exchange.reducer->backward(loss);
  } else {
    exchange.reducer->accumulate(loss);
  }
}

/// The passes of all pieces.
Sums compute(models::Model& model, std::span<const Piece> pieces, const losses::BatchCounts& whole,
             double loss_scale, const StepOptions& options) {
  Sums sums;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    at::manual_seed(piece.seed);
    const Batch batch = piece.batch.to(options.device);
    const Losses of_piece = losses_of(model, batch, whole, options);
    const double scale = piece.weight * loss_scale;
    backward(scale == 1 ? of_piece.total : of_piece.total * scale, options.exchange,
             i + 1 == pieces.size());
    sums.add(of_piece, piece.weight);
  }
  return sums;
}

/// Throws OutOfMemory on all processes where one of them says what it lacks.
void agree(const std::optional<std::string>& lacks, const StepOptions& options) {
  distributed::ProcessGroup& group = *options.exchange.group;
  Tensor count = torch::full({1}, lacks ? 1.0 : 0.0, torch::TensorOptions(options.device));
  group.all_reduce_sum(count);
  if (count.item<double>() == 0) return;
  const std::vector<std::string> reasons = group.all_gather(lacks.value_or(""));
  const auto first = std::ranges::find_if_not(reasons, &std::string::empty);
  throw OutOfMemory(static_cast<int>(first - reasons.begin()), *first);
}

/// compute() where a process that finds no memory still takes its part in the exchange.
Sums compute_together(models::Model& model, std::span<const Piece> pieces,
                      const losses::BatchCounts& whole, double loss_scale,
                      const StepOptions& options) {
  Sums sums;
  std::optional<std::string> lacks;
  try {
    sums = compute(model, pieces, whole, loss_scale, options);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error) || !options.exchange.reducer->abandon()) throw;
    lacks = error.what();
  }
  agree(lacks, options);
  return sums;
}

}  // namespace

StepResult step(models::Model& model, AdamW& optimizer, std::span<const Piece> pieces,
                const losses::BatchCounts& whole, double factor, double loss_scale,
                const StepOptions& options) {
  // A step's tensors are the next one's again. GPUs keep their memory themselves.
  static const MemoryPool pool;
  const MemoryPool::Scope pooled(pool);
  optimizer.zero_gradients();
  const Sums sums = options.exchange.agree_on_memory
                        ? compute_together(model, pieces, whole, loss_scale, options)
                        : compute(model, pieces, whole, loss_scale, options);
  Tensor losses = sums.sums();
  if (options.exchange.group != nullptr) options.exchange.group->all_reduce_sum(losses);
  RECORD_USER_SCOPE("optimizer");
  const Tensor scaled_norm = optimizer.gradient_norm();
  // Not finite where the loss is not.
  const Tensor norm = (loss_scale == 1 ? scaled_norm : scaled_norm / loss_scale) +
                      (0.0 * losses[0]).to(scaled_norm.dtype());
  optimizer.step(factor, norm, loss_scale);

  // The one place where the host waits for the device.
  const Tensor values = torch::cat({losses, norm.to(torch::kFloat64).reshape(1)}).to(torch::kCPU);
  StepResult result;
  for (const std::string& name : sums.names()) {
    const auto place = static_cast<std::int64_t>(result.values.size());
    result.values.emplace_back(name, values[place].item<double>());
  }
  result.values.emplace_back("gradient_norm", values[values.numel() - 1].item<double>());
  result.finite = std::isfinite(result.values.back().second);
  return result;
}

}  // namespace referent::training
