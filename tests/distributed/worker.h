// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "referent/distributed/process_group.h"

namespace referent::testing {

using Arguments = std::vector<std::string>;

/// Every exchange once, checked on the spot.
void exchange(distributed::ProcessGroup& group, const Arguments& arguments);

/// `agree TEXT...`: rank r says TEXT number r.
void agree(distributed::ProcessGroup& group, const Arguments& arguments);

/// `loop FOLDER [RANK exit|throw]`: exchanges until the file FOLDER/stop is there; the rank given
/// leaves earlier. Every rank notes that it has begun.
void loop(distributed::ProcessGroup& group, const Arguments& arguments);

/// `gradients TYPE FEATURE...`: prints the gradients of a small model after two steps.
void gradients(distributed::ProcessGroup& group, const Arguments& arguments);

/// Prints what an exchange of gradients has cost.
void cost(distributed::ProcessGroup& group, const Arguments& arguments);

/// `failing-backward FOLDER`: steps until an exchange fails.
void failing_backward(distributed::ProcessGroup& group, const Arguments& arguments);

/// `train FOLDER TYPE PIECES`: 20 steps of a small grounder, every rank's share in pieces; leaves
/// the first gradients and the last weights.
void train(distributed::ProcessGroup& group, const Arguments& arguments);

/// `train-full-size FOLDER`: two steps of MMCA-R50 on two pictures of 640 pixels, as `train`.
void train_full_size(distributed::ProcessGroup& group, const Arguments& arguments);

/// Writes this process's number into FOLDER/ready-RANK.
void note(const std::string& folder, int rank);

}  // namespace referent::testing
