// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/portable.h"
#include "kernels/conditional_linear/params.h"

namespace referent::kernels {

/// What a step of the reduced dimension multiplies. First come the bottleneck's steps and those of
/// the base product, as one where both read x; then `update` steps: the scaled bottleneck with P.
enum class LinearStep { kLowRank, kBase, kJoint, kUpdate };

struct LinearSchedule {
  int low_rank, base, update;  ///< counts
  bool joint;

  struct Step {
    LinearStep kind;
    int index;  ///< of its kind
  };

  REFERENT_HOST_DEVICE static constexpr LinearSchedule of(const ConditionalLinearParams& params,
                                                          int step_elements, int rank_tile) {
    return {ceil_div(params.low_rank_inputs, step_elements), ceil_div(params.inputs, step_elements),
            rank_tile / step_elements, params.z.data == nullptr};
  }
  REFERENT_HOST_DEVICE constexpr int first_update() const { return joint ? base : low_rank + base; }
  REFERENT_HOST_DEVICE constexpr int count() const { return first_update() + update; }
  REFERENT_HOST_DEVICE constexpr Step at(int step) const {
    if (step >= first_update()) return {LinearStep::kUpdate, step - first_update()};
    if (joint) return {LinearStep::kJoint, step};
    if (step < low_rank) return {LinearStep::kLowRank, step};
    return {LinearStep::kBase, step - low_rank};
  }
};

}  // namespace referent::kernels
