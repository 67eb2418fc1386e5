// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <set>

#include "referent/core/error.h"
#include "referent/distributed/gradient_reducer.h"
#include "referent/nn/recompute.h"
#include "worker.h"

namespace referent::testing {
namespace {

using distributed::GradientReducer;
using distributed::ProcessGroup;
using torch::Tensor;

constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kSamples = 8;

/// Its backward pass finds no memory.
class Lacking : public torch::autograd::Function<Lacking> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* /*context*/, const Tensor& x) {
    return x.clone();
  }
  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* /*context*/,
      const torch::autograd::variable_list& /*gradients*/) {
    throw std::bad_alloc();
  }
};

/// Layers one after the other, the middle one a block that may be computed again, a head that only
/// some samples use, and one that none does.
struct ModelImpl : torch::nn::Module {
  torch::nn::Linear first{kWidth, kWidth}, block{kWidth, kWidth}, last{kWidth, kWidth};
  torch::nn::Linear optional{kWidth, 1}, unused{kWidth, 1};
  bool lacks_memory = false;  ///< for the gradient of the first layer

  ModelImpl() {
    register_module("unused", unused);
    register_module("first", first);
    register_module("block", block);
    register_module("last", last);
    register_module("optional", optional);
  }

  /// The sum of losses of x [N, kWidth]; the optional head sees sample `optional_row`, if not -1.
  Tensor forward(const Tensor& x, std::int64_t optional_row, bool recompute) {
    const nn::ForgetActivations forget(recompute);
    Tensor y = torch::tanh(first(x));
    if (lacks_memory) y = Lacking::apply(y);
    y = nn::forgetting(
        [layer = block](const std::vector<Tensor>& in) mutable {
          return torch::tanh(layer(in[0]));
        },
        {y});
    Tensor loss = last(y).square().sum();
    if (optional_row >= 0) loss = loss + optional(y[optional_row]).square().sum();
    return loss;
  }
};
TORCH_MODULE(Model);

GradientReducer::Parameters named(const Model& model) {
  GradientReducer::Parameters parameters;
  for (const auto& item : model->named_parameters())
    parameters.emplace_back(item.key(), item.value());
  return parameters;
}

/// The samples of a global batch that are this rank's, dealt in turn.
std::vector<std::int64_t> share(const ProcessGroup& group, std::int64_t samples) {
  std::vector<std::int64_t> mine;
  for (std::int64_t i = group.rank(); i < samples; i += group.size()) mine.push_back(i);
  return mine;
}

class Steps {
 public:
  Steps(ProcessGroup& group, torch::ScalarType type, const std::set<std::string>& features)
      : group_(group),
        features_(features),
        samples_(features.contains("few") ? 2 : kSamples),
        type_(type) {
    torch::manual_seed(group.rank());  // rank 0's values, by broadcast, are what one process has
    model_ = Model();
    model_->to(type);
    group.broadcast(model_->parameters());
    reducer_ = std::make_unique<GradientReducer>(
        group, named(model_),
        distributed::ReducerOptions{.deterministic = features.contains("deterministic"),
                                    .bucket_megabytes = 0.002,
                                    .recompute = features.contains("recompute"),
                                    .abandonable = is_abandoned()});
  }

  bool is_abandoned() const {
    return features_.contains("abandon-before") || features_.contains("abandon-within");
  }

  /// A step that rank 1 cannot finish: before its last backward pass or within it.
  void failing_step(int number) {
    model_->lacks_memory = group_.rank() == 1 && features_.contains("abandon-within");
    try {
      if (group_.rank() == 1 && features_.contains("abandon-before")) throw std::bad_alloc();
      step(number);
    } catch (const std::bad_alloc&) {
      REFERENT_CHECK(reducer_->abandon());
    }
    model_->lacks_memory = false;
  }

  void step(int number) {
    for (Tensor& parameter : model_->parameters()) parameter.mutable_grad().reset();
    torch::manual_seed(100 + number);
    const Tensor batch = torch::randn({samples_, kWidth}, torch::kFloat64).to(type_);
    std::vector<std::int64_t> mine = share(group_, samples_);
    if (features_.contains("accumulate") && mine.size() > 1) {
      const auto middle = mine.begin() + static_cast<std::ptrdiff_t>(mine.size() / 2);
      reducer_->accumulate(loss(batch, {mine.begin(), middle}));
      mine.erase(mine.begin(), middle);
    }
    reducer_->backward(loss(batch, mine));
  }

  void descend() {
    const torch::NoGradGuard no_grad;
    for (Tensor& parameter : model_->parameters()) {
      if (parameter.grad().defined()) parameter.sub_(parameter.grad(), 0.1);
    }
  }

  void print() const {
    for (const auto& [name, parameter] : named(model_)) {
      const Tensor gradient = parameter.grad();
      fmt::print("{}", name);
      if (!gradient.defined()) fmt::print(" undefined");
      const Tensor values = gradient.defined() ? gradient.to(torch::kFloat64).flatten() : Tensor();
      for (std::int64_t i = 0; gradient.defined() && i < values.numel(); ++i) {
        fmt::print(" {:a}", values[i].item<double>());
      }
      fmt::print("\n");
    }
  }

  distributed::CommunicationCost take_cost() { return reducer_->take_cost(); }

 private:
  /// The share of the mean over the global batch; the optional head is for sample 1 alone.
  Tensor loss(const Tensor& batch, const std::vector<std::int64_t>& mine) {
    if (mine.empty()) return {};
    const auto found = std::ranges::find(mine, 1);
    const bool optional = features_.contains("optional") && found != mine.end();
    return model_->forward(batch.index_select(0, torch::tensor(mine)),
                           optional ? found - mine.begin() : -1, features_.contains("recompute")) /
           samples_;
  }

  ProcessGroup& group_;
  std::set<std::string> features_;
  std::int64_t samples_;
  torch::ScalarType type_;
  Model model_{nullptr};
  std::unique_ptr<GradientReducer> reducer_;
};

torch::ScalarType type_of(const std::string& name) {
  if (name == "float64") return torch::kFloat64;
  if (name == "bfloat16") return torch::kBFloat16;
  return torch::kFloat32;
}

}  // namespace

void gradients(ProcessGroup& group, const Arguments& arguments) {
  Steps steps(group, type_of(arguments.at(0)), {arguments.begin() + 1, arguments.end()});
  steps.step(0);
  steps.descend();
  if (steps.is_abandoned()) steps.failing_step(1);
  steps.step(1);
  steps.print();
}

void cost(ProcessGroup& group, const Arguments& /*arguments*/) {
  Steps steps(group, torch::kFloat32, {});
  steps.step(0);
  const auto first = steps.take_cost();
  steps.step(1);
  steps.step(2);
  const auto two = steps.take_cost();
  fmt::print("{} {} {} {} {} {}\n", first.bytes, two.bytes, first.exchanges, two.exchanges,
             two.seconds, two.exposed_seconds);
}

void failing_backward(ProcessGroup& group, const Arguments& arguments) {
  Steps steps(group, torch::kFloat32, {});
  for (int number = 0;; ++number) {
    steps.step(number);
    if (number == 2) note(arguments.at(0), group.rank());
  }
}

}  // namespace referent::testing
