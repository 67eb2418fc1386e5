// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "command_tree.h"

namespace referent::tools {

/// Every command with its arguments and options, as Markdown: all of docs/commands.md but its head.
std::string reference_page(const Command& root);

}  // namespace referent::tools
