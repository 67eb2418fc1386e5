// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/convolution_trial.h"

#include <ATen/Context.h>

namespace referent {

ConvolutionTrial::ConvolutionTrial(torch::ScalarType type)
    : outer_(at::globalContext().benchmarkCuDNN()) {
  at::Context& context = at::globalContext();
  if (c10::elementSize(type) == 2 && !context.deterministicAlgorithms()) {
    context.setBenchmarkCuDNN(true);
  }
}

ConvolutionTrial::~ConvolutionTrial() {
  at::globalContext().setBenchmarkCuDNN(outer_);
}

}  // namespace referent
