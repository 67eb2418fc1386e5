// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/recompute.h"

#include <ATen/Context.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "referent/nn/autocast.h"

namespace referent::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

thread_local bool forgets = false;

/// The random stream of a device, to be gone through a second time.
class RandomState {
 public:
  explicit RandomState(torch::Device device)
      : generator_(at::globalContext().defaultGenerator(device)), state_(read()) {}

  /// Puts the stream back to where it was, while it lives.
  class Replay {
   public:
    explicit Replay(const RandomState& from) : generator_(from.generator_), after_(from.read()) {
      write(from.state_);
    }
    Replay(const Replay&) = delete;
    Replay& operator=(const Replay&) = delete;
    ~Replay() { write(after_); }

   private:
    void write(const Tensor& state) {
      const std::scoped_lock lock(generator_.mutex());
      generator_.set_state(state);
    }
    at::Generator generator_;
    Tensor after_;
  };

 private:
  Tensor read() const {
    at::Generator generator = generator_;
    const std::scoped_lock lock(generator.mutex());
    return generator.get_state();
  }

  at::Generator generator_;
  Tensor state_;
};

/// What a block's second run needs besides its inputs.
struct Setting : torch::CustomClassHolder {
  Setting(BlockFunction function, torch::Device where)
      : block(std::move(function)),
        device(where),
        type(Autocast::current(where.type())),
        random(where) {}

  BlockFunction block;
  torch::Device device;
  torch::ScalarType type;
  RandomState random;
};

/// The same values as leaves.
variable_list detached(const variable_list& inputs) {
  variable_list leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.detach().set_requires_grad(input.requires_grad()));
  }
  return leaves;
}

class Forgetting : public torch::autograd::Function<Forgetting> {
 public:
  static Tensor forward(AutogradContext* context, const c10::intrusive_ptr<Setting>& setting,
                        at::TensorList differentiable) {
    const variable_list inputs = differentiable.vec();
    context->save_for_backward(inputs);
    context->saved_data["setting"] = c10::IValue::make_capsule(setting);
    // With gradients on, as the second time: operators choose their kernels by it. The graph goes
    // away with the output that is not returned.
    const at::AutoGradMode recording(true);
    return setting->block(detached(inputs)).detach();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto setting =
        c10::static_intrusive_pointer_cast<Setting>(context->saved_data["setting"].toCapsule());
    const variable_list inputs = detached(context->get_saved_variables());
    {
      const at::AutoGradMode recording(true);
      const Autocast low(setting->device.type(), setting->type);
      // A block may hold other blocks; within this one they are computed as a whole.
      const ForgetActivations once(false);
      Tensor output;
      {
        const RandomState::Replay replay(setting->random);
        output = setting->block(inputs);
      }
      torch::autograd::backward({output}, {gradients[0]});
    }
    variable_list result{Tensor()};  // for the setting
    for (const Tensor& input : inputs) result.push_back(input.grad());
    return result;
  }
};

}  // namespace

ForgetActivations::ForgetActivations(bool forget) : outer_(forgets) {
  forgets = forget;
}
ForgetActivations::~ForgetActivations() {
  forgets = outer_;
}

Tensor forgetting(const BlockFunction& block, const std::vector<Tensor>& inputs) {
  const bool learns =
      std::ranges::any_of(inputs, [](const Tensor& input) { return input.requires_grad(); });
  if (!forgets || !learns || !at::GradMode::is_enabled()) return block(inputs);
  // Only of a TensorList does a Function see the tensors.
  return Forgetting::apply(c10::make_intrusive<Setting>(block, inputs.front().device()),
                           at::TensorList(inputs));
}

}  // namespace referent::nn
