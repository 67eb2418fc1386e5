// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent {

/// Lets cuDNN try its algorithms for convolutions of shapes that it has not seen, while this lives.
/// The fastest ones for float32 transform their inputs, which costs digits, so there it decides by
/// itself, as it does where results are to be the same each time.
class ConvolutionTrial {
 public:
  explicit ConvolutionTrial(torch::ScalarType type);
  ConvolutionTrial(const ConvolutionTrial&) = delete;
  ConvolutionTrial& operator=(const ConvolutionTrial&) = delete;
  ~ConvolutionTrial();

 private:
  bool outer_;
};

}  // namespace referent
