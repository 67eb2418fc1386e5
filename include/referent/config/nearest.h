// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace referent::config {

/// The candidate that `word` is most likely a misspelling of: the nearest by Damerau-Levenshtein
/// distance (insertions, deletions, substitutions, exchanges of neighbours; case and '-' against
/// '_' cost nothing), the first of equals. Nothing when the nearest is further than a third of its
/// length (at least one edit) away.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace referent::config
