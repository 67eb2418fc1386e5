// SPDX-License-Identifier: Apache-2.0
#include "findings.h"

#include <fmt/format.h>

namespace referent::data {

std::string SplitState::label() const {
  return split.empty() ? annotations->name : fmt::format("{} {}", annotations->name, split);
}

bool Findings::is_fault(FindingKind kind, const SplitState& split) const {
  if (options_.allowed.contains(kind) || kind == FindingKind::kImageTurned) return false;
  if (kind == FindingKind::kImageMissing) return !split.skips_missing;
  const bool published_so = kind == FindingKind::kExampleTwice || kind == FindingKind::kTextLong;
  return !(published_so && split.as_published);
}

void Findings::add(FindingKind kind, const SplitState& split, std::string example) {
  const auto [found, is_new] = found_.try_emplace({split.number, kind});
  Finding& finding = found->second;
  if (is_new) {
    finding.kind = kind;
    finding.dataset = split.annotations->name;
    finding.split = split.split;
    finding.is_fault = is_fault(kind, split);
  }
  ++finding.count;
  if (static_cast<std::int64_t>(finding.examples.size()) < options_.examples) {
    finding.examples.push_back(std::move(example));
  }
}

std::vector<Finding> Findings::take() {
  std::vector<Finding> findings;
  findings.reserve(found_.size());
  for (auto& [key, finding] : found_) findings.push_back(std::move(finding));
  found_.clear();
  return findings;
}

}  // namespace referent::data
