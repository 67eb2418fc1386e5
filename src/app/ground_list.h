// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "referent/app/options.h"

namespace referent::app {

/// One expression about one picture.
struct GroundTask {
  Path image;
  std::string expression;
  std::optional<std::int64_t> line;  ///< of the list, from 1
};

/// What could not be grounded.
struct GroundError {
  std::optional<std::int64_t> line;
  std::string image;  ///< empty where a line names none
  std::string message;
};

/// What to do, and what could not be read of it.
struct GroundList {
  std::vector<GroundTask> tasks;
  std::vector<GroundError> errors;
};

/// The tasks of a command line: every expression about the picture, or about every JPEG, PNG and
/// WebP file of the folder (by their names, in order of name), or the lines of options.list, in
/// which a relative name that is not there is looked for beside the list. Throws ConfigError for
/// expressions that are empty or not UTF-8, DataError for a folder without pictures and for a list
/// that cannot be read or is empty.
GroundList read_tasks(const GroundOptions& options);

}  // namespace referent::app
