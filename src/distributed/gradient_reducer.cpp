// SPDX-License-Identifier: Apache-2.0
// c10d::Reducer, which is no stable interface, is used here and nowhere else.
#include "referent/distributed/gradient_reducer.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <ranges>

#include "silence.h"

static_assert(TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 11,
              "c10d::Reducer changes between releases of LibTorch: check its constructor and the "
              "comments below against this one, then change the number");

namespace referent::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using c10::ivalue::Future;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMegabyte = 1 << 20;
/// The first bucket is small so that the exchange begins early.
constexpr double kFirstBucketMegabytes = 1;

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// Zero, in a graph that reaches every given parameter and brings it no gradient.
class Reaching : public torch::autograd::Function<Reaching> {
 public:
  static Tensor forward(AutogradContext* context, at::TensorList parameters) {
    context->saved_data["count"] = static_cast<std::int64_t>(parameters.size());
    return torch::zeros({}, parameters.front().options());
  }
  static variable_list backward(AutogradContext* context, const variable_list& /*gradients*/) {
    return variable_list(static_cast<std::size_t>(context->saved_data["count"].toInt()));
  }
};

/// Filters of one pixel lie in memory alike in every layout. Which layout's strides their gradients
/// have depends on type and backend; the Reducer, which compares strides, wants the parameter's.
void take_strides(const Tensor& parameter) {
  Tensor& gradient = parameter.mutable_grad();
  if (!gradient.defined() || gradient.strides() == parameter.strides()) return;
  for (std::int64_t d = 0; d < parameter.dim(); ++d) {
    if (parameter.size(d) > 1 && gradient.stride(d) != parameter.stride(d)) return;
  }
  gradient = gradient.as_strided(parameter.sizes(), parameter.strides());
}

/// Runs after a parameter's gradient has been added to.
class AfterGradient : public torch::autograd::FunctionPostHook {
 public:
  explicit AfterGradient(std::function<void()> function) : function_(std::move(function)) {}
  variable_list operator()(const variable_list& outputs, const variable_list& /*inputs*/) override {
    function_();
    return outputs;
  }

 private:
  std::function<void()> function_;
};

/// Notes the exchanges under way; their ends come from threads of the backend.
class Ledger {
 public:
  void begin(std::int64_t bytes) {
    const std::scoped_lock lock(mutex_);
    cost_.bytes += bytes;
    ++cost_.exchanges;
    if (under_way_++ == 0) since_ = Clock::now();
  }
  void end(bool well) {
    const std::scoped_lock lock(mutex_);
    failed_ = failed_ || !well;
    if (--under_way_ == 0) cost_.seconds += seconds(Clock::now() - since_);
  }
  void add_exposed(double time) {
    const std::scoped_lock lock(mutex_);
    cost_.exposed_seconds += time;
  }
  bool failed() const {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }
  CommunicationCost take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(cost_, {});
  }

 private:
  mutable std::mutex mutex_;
  CommunicationCost cost_;
  int under_way_ = 0;
  Clock::time_point since_;
  bool failed_ = false;
};

/// How a bucket travels; with such a hook the Reducer leaves out its division by the group's size.
class SumHook : public c10d::CommHookInterface {
 public:
  SumHook(c10::intrusive_ptr<c10d::ProcessGroup> group, bool deterministic,
          std::shared_ptr<Ledger> ledger)
      : group_(std::move(group)), deterministic_(deterministic), ledger_(std::move(ledger)) {}

  c10::intrusive_ptr<Future> runHook(c10d::GradBucket& bucket) override {
    const Tensor& buffer = bucket.getBuffer();
    return deterministic_ ? sum_in_order(buffer) : sum_anyhow(buffer);
  }

  Tensor parseHookResult(const c10::IValue& result) override {
    return c10d::detail::parseCppCommHookResult(result);
  }

 private:
  c10::intrusive_ptr<Future> sum_anyhow(const Tensor& buffer) const {
    std::vector<Tensor> tensors{buffer};
    ledger_->begin(static_cast<std::int64_t>(buffer.nbytes()));
    return group_->allreduce(tensors)->getFuture()->then(
        [ledger = ledger_](Future& sum) {
          ledger->end(!sum.hasError());
          return sum.value();  // throws what the exchange threw
        },
        c10::ListType::ofTensors());
  }

  c10::intrusive_ptr<Future> sum_in_order(const Tensor& buffer) const {
    std::vector<std::vector<Tensor>> all(1);
    for (int rank = 0; rank < group_->getSize(); ++rank) {
      all[0].push_back(torch::empty_like(buffer));
    }
    std::vector<Tensor> inputs{buffer};
    ledger_->begin(static_cast<std::int64_t>(buffer.nbytes()));
    return group_->allgather(all, inputs)
        ->getFuture()
        ->then(
            [ledger = ledger_, parts = all[0]](Future& gathered) -> c10::IValue {
              ledger->end(!gathered.hasError());
              gathered.value();  // throws what the exchange threw
              return add_up(parts);
            },
            c10::TensorType::get());
  }

  static Tensor add_up(const std::vector<Tensor>& parts) {
    const torch::NoGradGuard no_grad;
    const torch::ScalarType type = parts[0].scalar_type();
    // Sums of 16-bit numbers are kept in 32 bits and rounded once.
    const bool wide = type == torch::kFloat32 || type == torch::kFloat64;
    Tensor sum = wide ? parts[0] : parts[0].to(torch::kFloat32);
    for (std::size_t rank = 1; rank < parts.size(); ++rank) sum.add_(parts[rank]);
    return sum.to(type);
  }

  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  bool deterministic_;
  std::shared_ptr<Ledger> ledger_;
};

}  // namespace

class GradientReducer::Exchange {
 public:
  Exchange(ProcessGroup& group, const Parameters& parameters, const ReducerOptions& options)
      : group_(group),
        expect_all_(options.recompute || options.abandonable),
        fired_(parameters.size(), 0) {
    std::unordered_map<std::size_t, std::string> names;
    // Backward passes reach parameters from the last to the first; so do the buckets.
    for (const auto& [name, parameter] : std::views::reverse(parameters)) {
      names.emplace(parameters_.size(), name);
      parameters_.push_back(parameter);
    }
    // Before the Reducer's own hooks, the last of which ends the step.
    for (std::size_t i = 0; i < parameters_.size(); ++i) watch(i);
    reducer_ = std::make_unique<c10d::Reducer>(
        parameters_, buckets(options.bucket_megabytes), group.c10d_group(),
        /*expect_sparse_gradients=*/std::vector<bool>(parameters_.size(), false),
        /*bucket_bytes_cap=*/static_cast<std::int64_t>(options.bucket_megabytes * kMegabyte),
        /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/true, std::move(names),
        /*first_bucket_bytes_cap=*/static_cast<std::int64_t>(kFirstBucketMegabytes * kMegabyte),
        /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
        /*bucket_bytes_cap_list=*/std::vector<std::int64_t>{});
    reducer_->register_comm_hook(
        std::make_unique<SumHook>(group.c10d_group(), options.deterministic, ledger_));
  }

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    for (const auto& [accumulator, key] : hooks_) accumulator->del_post_hook(key);
  }

  void backward(const Tensor& loss) {
    told([&] {
      const bool learns = loss.defined() && loss.requires_grad();
      // The Reducer takes a parameter for used when the graph of one of these reaches it. Where the
      // loss's graph does not show all, every parameter is expected; those without gradient are
      // then made up for below, at the price of a later exchange.
      const bool expect_all = expect_all_ || !learns;
      std::vector<Tensor> outputs;
      if (learns) outputs.push_back(loss);
      if (expect_all) outputs.push_back(Reaching::apply(at::TensorList(parameters_)));
      std::ranges::fill(fired_, 0);
      last_gradient_ = Clock::now();
      {
        const Silence silence;  // of the advice to search only where parameters are unused
        reducer_->prepare_for_backward(outputs);
      }
      under_way_ = true;
      if (learns) loss.backward();
      const Clock::time_point computed = last_gradient_;
      if (expect_all) reach_the_rest();
      under_way_ = false;
      ledger_->add_exposed(seconds(Clock::now() - computed));
    });
  }

  bool abandon() {
    if (!under_way_) {
      backward({});
      return true;
    }
    under_way_ = false;
    // With every gradient there it is the exchange that failed, which this cannot go on with.
    if (std::ranges::find(fired_, 0) == fired_.end()) return false;
    told([&] { reach_the_rest(); });
    return true;
  }

  CommunicationCost take_cost() { return ledger_->take(); }

 private:
  /// Runs `part` of a backward pass and makes the group's error of one that the network is to blame
  /// for.
  template <typename Part>
  void told(const Part& part) {
    try {
      part();
    } catch (const std::exception& error) {
      if (ledger_->failed() || is_of_network(error)) group_.fail(error.what());
      throw;
    }
  }

  /// Also of the Reducer's own exchange, of which parameters were used.
  static bool is_of_network(const std::exception& error) {
    return dynamic_cast<const c10::DistError*>(&error) != nullptr ||
           std::string_view(error.what()).find("gloo") != std::string_view::npos;
  }

  void watch(std::size_t index) {
    auto accumulator = torch::autograd::impl::grad_accumulator(parameters_[index]);
    const std::uintptr_t key =
        accumulator->add_post_hook(std::make_unique<AfterGradient>([this, index] {
          fired_[index] = 1;
          take_strides(parameters_[index]);
          last_gradient_ = Clock::now();
        }));
    hooks_.emplace_back(std::move(accumulator), key);
  }

  std::vector<std::vector<std::size_t>> buckets(double megabytes) const {
    const auto bytes = [](double size) { return static_cast<std::size_t>(size * kMegabyte); };
    return std::get<0>(c10d::compute_bucket_assignment_by_size(
        parameters_, {bytes(std::min(megabytes, kFirstBucketMegabytes)), bytes(megabytes)}));
  }

  /// Lets the Reducer know that parameters it expects get no gradient any more.
  void reach_the_rest() {
    std::vector<Tensor> rest;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (fired_[i] == 0) rest.push_back(parameters_[i]);
    }
    if (!rest.empty()) Reaching::apply(at::TensorList(rest)).backward();
  }

  ProcessGroup& group_;
  bool expect_all_;                 ///< every parameter is, whatever the loss's graph shows
  std::vector<Tensor> parameters_;  ///< the last first
  /// What adds to each parameter's gradient, and the key of the hook there.
  std::vector<std::pair<std::shared_ptr<torch::autograd::Node>, std::uintptr_t>> hooks_;
  std::vector<char> fired_;  ///< parameters whose gradient is there in this pass
  bool under_way_ = false;   ///< the Reducer waits for gradients
  Clock::time_point last_gradient_;
  std::shared_ptr<Ledger> ledger_ = std::make_shared<Ledger>();
  std::unique_ptr<c10d::Reducer> reducer_;
};

GradientReducer::GradientReducer(ProcessGroup& group, const Parameters& parameters,
                                 const ReducerOptions& options) {
  if (group.c10d_group() == nullptr || parameters.empty()) return;
  exchange_ = std::make_unique<Exchange>(group, parameters, options);
}

GradientReducer::~GradientReducer() = default;

void GradientReducer::accumulate(const Tensor& loss) {
  if (loss.defined()) loss.backward();
}

void GradientReducer::backward(const Tensor& loss) {
  if (exchange_) return exchange_->backward(loss);
  accumulate(loss);
}

bool GradientReducer::abandon() {
  return !exchange_ || exchange_->abandon();
}

CommunicationCost GradientReducer::take_cost() {
  return exchange_ ? exchange_->take_cost() : CommunicationCost{};
}

}  // namespace referent::distributed
