// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <unordered_map>

#include "referent/formats/refer.h"

namespace referent::app {

/// The annotations of every COCO file of the test data folder by their number; empty where there is
/// no such file.
std::unordered_map<std::int64_t, formats::Annotation> read_annotations(
    const std::filesystem::path& test_data);

}  // namespace referent::app
