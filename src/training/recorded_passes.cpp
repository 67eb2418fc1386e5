// SPDX-License-Identifier: Apache-2.0
#include "referent/training/recorded_passes.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "referent/batch/convolution_trial.h"
#include "referent/batch/cuda_recording.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/training/forward.h"
#include "referent/training/memory.h"

namespace referent::training {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Node;
using torch::autograd::variable_list;

/// What a recording holds for: types, shapes and strides of what the model reads, and how.
using Key = std::vector<std::int64_t>;

constexpr std::array kInputs{&Batch::images, &Batch::image_padding, &Batch::tokens,
                             &Batch::token_padding};
constexpr std::array kOutputs{&Output::boxes, &Output::scores, &Output::mask_logits};

Key key_of(const Batch& batch, const ForwardOptions& options) {
  Key key{static_cast<std::int64_t>(options.type)};
  for (const auto input : kInputs) {
    const Tensor& tensor = batch.*input;
    key.push_back(static_cast<std::int64_t>(tensor.scalar_type()));
    key.insert(key.end(), tensor.sizes().begin(), tensor.sizes().end());
    key.insert(key.end(), tensor.strides().begin(), tensor.strides().end());
  }
  return key;
}

/// While it lives, parameters have no nodes that add to their gradients: those that others hold,
/// for their hooks, belong to the stream on which they were made, and a recording must not touch
/// it.
class NewAccumulators {
 public:
  explicit NewAccumulators(const std::vector<Tensor>& parameters) : parameters_(parameters) {
    for (const Tensor& parameter : parameters_) {
      outer_.push_back(torch::autograd::impl::try_get_grad_accumulator(parameter));
      torch::autograd::impl::set_grad_accumulator(parameter, {});
    }
  }
  NewAccumulators(const NewAccumulators&) = delete;
  NewAccumulators& operator=(const NewAccumulators&) = delete;
  ~NewAccumulators() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      torch::autograd::impl::set_grad_accumulator(parameters_[i], outer_[i]);
    }
  }

 private:
  const std::vector<Tensor>& parameters_;
  std::vector<std::shared_ptr<Node>> outer_;
};

/// Gradients side by side in one piece of memory, each laid out as its parameter is.
class Gradients {
 public:
  explicit Gradients(std::vector<Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const Tensor& parameter : parameters_) {
      places_.push_back(length_);
      length_ += (parameter.numel() + kAligned - 1) / kAligned * kAligned;
    }
    memory_ = torch::empty({length_}, parameters_.front().options());
  }

  const std::vector<Tensor>& parameters() const { return parameters_; }

  void copy_from(const std::vector<Tensor>& gradients) {
    // One pass over those laid out alike, which one that is not would make a pass each.
    std::vector<Tensor> parts, values;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      Tensor part = part_of(memory_, i);
      if (part.strides() == gradients[i].strides()) {
        parts.push_back(part);
        values.push_back(gradients[i]);
      } else {
        part.copy_(gradients[i]);
      }
    }
    if (!parts.empty()) at::_foreach_copy_(parts, values);
  }

  variable_list clones() const {
    const Tensor memory = memory_.clone();
    variable_list parts;
    for (std::size_t i = 0; i < parameters_.size(); ++i) parts.push_back(part_of(memory, i));
    return parts;
  }

 private:
  static constexpr std::int64_t kAligned = 64;  ///< numbers: kernels read several at once

  Tensor part_of(const Tensor& memory, std::size_t i) const {
    return memory.as_strided(parameters_[i].sizes(), parameters_[i].strides(), places_[i]);
  }

  std::vector<Tensor> parameters_;
  std::vector<std::int64_t> places_;
  std::int64_t length_ = 0;
  Tensor memory_;
};

/// Both passes of one shape.
class Recording : public torch::CustomClassHolder {
 public:
  Recording(models::Model& model, const std::vector<Tensor>& parameters, const Batch& example,
            const ForwardOptions& options, const RecordedMemory& memory) {
    const torch::Device device = parameters.front().device();
    for (const auto input : kInputs) {
      inputs_.*input = torch::empty_like(example.*input, (example.*input).options().device(device));
    }
    read(example);
    const NewAccumulators new_accumulators(parameters);
    Output output;
    forward_ = std::make_unique<CudaRecording>(
        device, memory, [&] { output = plain_forward(model, inputs_, options); });
    std::vector<Tensor> learning;
    for (const auto of : kOutputs) {
      const Tensor& tensor = output.*of;
      outputs_.push_back(tensor.defined() ? tensor.detach() : Tensor());
      if (!tensor.defined() || !tensor.requires_grad()) continue;
      learning.push_back(tensor);
      places_.push_back(outputs_.size() - 1);
      output_gradients_.push_back(torch::zeros_like(tensor));
    }
    REFERENT_CHECK(!learning.empty(), "no output depends on a parameter that learns");
    backward_ = std::make_unique<CudaRecording>(device, memory, [&] {
      const std::vector<Tensor> all = torch::autograd::grad(
          learning, parameters, output_gradients_, /*retain_graph=*/false, /*create_graph=*/false,
          /*allow_unused=*/true);
      std::vector<Tensor> used, gradients;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].defined()) continue;
        used.push_back(parameters[i]);
        gradients.push_back(all[i]);
      }
      const torch::NoGradGuard no_grad;
      gradients_ = std::make_unique<Gradients>(std::move(used));
      gradients_->copy_from(gradients);
    });
  }

  /// Those that get a gradient.
  const std::vector<Tensor>& parameters() const { return gradients_->parameters(); }

  /// Whether mask logits are among what learns.
  bool masks_learn() const { return !places_.empty() && places_.back() == kOutputs.size() - 1; }

  void read(const Batch& batch) {
    for (const auto input : kInputs) (inputs_.*input).copy_(batch.*input, /*non_blocking=*/true);
  }

  /// In the order of kOutputs; undefined ones are left out.
  variable_list forward() {
    forward_->replay();
    pending_ = true;
    variable_list outputs;
    for (const Tensor& output : outputs_) {
      if (output.defined()) outputs.push_back(output.clone());
    }
    return outputs;
  }

  variable_list backward(const variable_list& gradients) {
    TORCH_CHECK(std::exchange(pending_, false),
                "a recorded backward pass follows its forward pass once, before the next one");
    std::size_t given = 0;
    std::size_t learning = 0;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (!outputs_[i].defined()) continue;
      const Tensor& gradient = gradients[given++];
      if (learning == places_.size() || places_[learning] != i) continue;
      Tensor& place = output_gradients_[learning++];
      place.copy_(gradient);
    }
    backward_->replay();
    return gradients_->clones();
  }

  Output as_output(const variable_list& defined) const {
    Output output;
    std::size_t next = 0;
    for (std::size_t i = 0; i < kOutputs.size(); ++i) {
      if (outputs_[i].defined()) output.*kOutputs[i] = defined[next++];
    }
    return output;
  }

 private:
  Batch inputs_;
  std::vector<Tensor> outputs_;
  std::vector<std::size_t> places_;  ///< of the outputs that depend on parameters
  std::vector<Tensor> output_gradients_;
  std::unique_ptr<Gradients> gradients_;
  std::unique_ptr<CudaRecording> forward_, backward_;
  bool pending_ = false;  ///< a backward pass may follow
};

/// One node in the place of the model's graph, so that what listens to gradients hears of them.
class Replayed : public torch::autograd::Function<Replayed> {
 public:
  static variable_list forward(AutogradContext* context,
                               const c10::intrusive_ptr<Recording>& recording,
                               at::TensorList /*parameters*/) {
    context->saved_data["recording"] = c10::IValue::make_capsule(recording);
    return recording->forward();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto recording =
        c10::static_intrusive_pointer_cast<Recording>(context->saved_data["recording"].toCapsule());
    variable_list result{Tensor()};  // for the recording
    for (Tensor& gradient : recording->backward(gradients)) result.push_back(std::move(gradient));
    return result;
  }
};

}  // namespace

struct RecordedPasses::State {
  models::Model& model;
  std::vector<Tensor> parameters;
  RecordedMemory memory;
  std::map<Key, c10::intrusive_ptr<Recording>> recordings;  ///< null: its shape was seen once
  /// Until the end: a step's backward pass has convolutions too.
  std::optional<ConvolutionTrial> trial;
  bool failed = false;
};

RecordedPasses::RecordedPasses(models::Model& model) : state_(new State{model, {}, {}, {}, {}}) {
  for (const Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) state_->parameters.push_back(parameter);
  }
}

RecordedPasses::~RecordedPasses() = default;

bool RecordedPasses::any() const {
  return std::ranges::any_of(state_->recordings,
                             [](const auto& entry) { return entry.second.defined(); });
}

Output RecordedPasses::forward(const Batch& batch, const ForwardOptions& options) {
  State& state = *state_;
  const auto plain = [&] { return plain_forward(state.model, batch, options); };
  // Activations that are computed again read the random generator's state, which a recording
  // does not have.
  if (state.failed || options.forget_activations || state.parameters.empty()) return plain();
  if (!state.trial) state.trial.emplace(options.type);
  const Key key = key_of(batch, options);
  const auto found = state.recordings.find(key);
  if (found == state.recordings.end()) {
    if (state.recordings.size() < kMostShapes) state.recordings.emplace(key, nullptr);
    return plain();
  }
  if (!found->second) {
    // While a recording is made, the memory that is kept for later cannot be given back for it.
    release_unused_memory(batch.images.device());
    try {
      found->second = c10::make_intrusive<Recording>(state.model, state.parameters, batch, options,
                                                     state.memory);
    } catch (const std::exception& error) {
      const std::string reason = error.what();
      log::warning("the passes of a step cannot be recorded and are computed kernel by kernel: {}",
                   reason.substr(0, reason.find('\n')));
      state.failed = true;
      state.recordings.clear();
      release_unused_memory(batch.images.device());
      return plain();
    }
  }
  Recording& recording = *found->second;
  // What only masks depend on would get a gradient of zeros, which an optimizer does not take for
  // none.
  if (!options.masks_count && recording.masks_learn()) return plain();
  recording.read(batch);
  return recording.as_output(
      Replayed::apply(found->second, at::TensorList(recording.parameters())));
}

}  // namespace referent::training
