// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace referent::image {

/// What a file that is no JPEG, PNG or WebP seems to be, with its article: "a GIF file",
/// "a text file". For messages only.
std::string describe_kind(std::span<const std::byte> bytes);

}  // namespace referent::image
