// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "referent/data/dataset.h"

namespace referent::engine {

/// What the processes of a group must have in common of a data set: how many expressions, and one
/// hash over what they say, where, and in which picture. Folders may differ between hosts.
std::string description_of(std::span<const data::Example> examples);

}  // namespace referent::engine
