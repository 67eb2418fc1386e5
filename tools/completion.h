// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "command_tree.h"
#include "referent/app/options.h"

namespace referent::tools {

/// A script that completes commands, options and values that are limited to a few in a shell; other
/// values complete as files.
std::string completion_script(app::Shell shell, const Command& root);

}  // namespace referent::tools
