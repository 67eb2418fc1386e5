// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "referent/distributed/process_group.h"
#include "referent/engine/evaluator.h"

namespace referent::engine {

/// Puts the parts of an evaluation of `dataset` together that the processes of a group have made,
/// to the last bit, on all of them. Nothing where one was stopped before it had its part.
std::optional<Evaluation> exchange_results(distributed::ProcessGroup& group,
                                           const std::optional<Evaluation>& part,
                                           const data::Dataset& dataset);

}  // namespace referent::engine
