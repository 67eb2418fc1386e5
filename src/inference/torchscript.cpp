// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/torchscript.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <sstream>

#include "referent/inference/build.h"
#include "referent/models/state.h"

namespace referent::inference {
namespace {

namespace jit = torch::jit;

/// The parameters and buffers of a module under their names, in a tree of script modules without
/// methods. The tensors are shared: by them the tracer knows what it meets.
jit::Module script_tree(const torch::nn::Module& module,
                        const std::shared_ptr<jit::CompilationUnit>& unit) {
  jit::Module tree("__torch__.referent.Module", unit, /*shouldMangle=*/true);
  tree.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    tree.register_parameter(item.key(), item.value(), /*is_buffer=*/false);
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    tree.register_parameter(item.key(), item.value(), /*is_buffer=*/true);
  }
  for (const auto& child : module.named_children()) {
    tree.register_module(child.key(), script_tree(*child.value(), unit));
  }
  return tree;
}

/// A picture without padding and a text that is all padding but its ends: the operators do not
/// depend on the values.
jit::Stack example_inputs(const models::InputShape& shape) {
  const std::int64_t side = shape.image_size;
  const std::int64_t length = shape.text_tokens;
  const torch::Tensor token_padding = torch::ones({1, length}, torch::kBool);
  token_padding.narrow(1, 0, 2).fill_(false);
  return {torch::zeros({1, 3, side, side}), torch::zeros({1, side, side}, torch::kBool),
          torch::zeros({1, length}, torch::kInt64), token_padding};
}

/// boxes, mask_logits, or both as a tuple.
c10::IValue answer_of(const Output& output) {
  if (!output.mask_logits.defined()) return output.boxes;
  if (!output.boxes.defined()) return output.mask_logits;
  return c10::ivalue::Tuple::create({output.boxes, output.mask_logits});
}

void add_forward(jit::Module& script, models::Model& model, const models::InputShape& shape) {
  const auto forward = [&model](const jit::Stack& inputs) -> jit::Stack {
    const Batch batch{
        inputs[0].toTensor(), inputs[1].toTensor(), inputs[2].toTensor(), inputs[3].toTensor(), {}};
    return {answer_of(model.forward(batch))};
  };
  const auto traced = jit::tracer::trace(example_inputs(shape), forward,
                                         [](const torch::autograd::Variable&) { return ""; },
                                         /*strict=*/true, /*force_outplace=*/false, &script,
                                         {"images", "image_padding", "tokens", "token_padding"});
  const std::shared_ptr<jit::Graph>& graph = traced.first->graph;
  jit::EliminateDeadCode(graph);
  const c10::QualifiedName name(script.type()->name().value(), "forward");
  script.type()->addMethod(script._ivalue()->compilation_unit()->create_function(name, graph));
}

}  // namespace

void write_torchscript(const Path& path, const checkpoint::Checkpoint& checkpoint,
                       const std::string& name) {
  const torch::NoGradGuard no_grad;
  const engine::RunConfig config = config_of(checkpoint, name);
  const auto model = models::make_model(config.model, input_shape(config));
  models::load_state(*model, checkpoint.tensors, /*complete=*/true);
  model->eval();
  jit::Module script = script_tree(*model, std::make_shared<jit::CompilationUnit>());
  add_forward(script, *model, input_shape(config));
  // Into memory first: LibTorch's archive writer ends the process when a disk is full.
  std::ostringstream stream;
  script.save(stream,
              {{"config.json", checkpoint.config}, {"vocabulary.txt", checkpoint.vocabulary}});
  write_file(path, stream.view());
}

}  // namespace referent::inference
