// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/statistics.h"

#include <algorithm>
#include <cmath>

#include "referent/core/error.h"
#include "referent/core/random.h"

namespace referent::metrics {
namespace {

struct Group {
  double sum = 0;
  double count = 0;
};

std::vector<Group> sums_of(std::span<const double> values, std::span<const std::int64_t> groups) {
  REFERENT_CHECK(!values.empty() && values.size() == groups.size(),
                 "{} values of {} memberships of groups", values.size(), groups.size());
  std::vector<Group> sums(static_cast<std::size_t>(*std::ranges::max_element(groups)) + 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    Group& group = sums[static_cast<std::size_t>(groups[i])];
    group.sum += values[i];
    ++group.count;
  }
  return sums;
}

}  // namespace

std::vector<double> resampled_means(std::span<const double> values,
                                    std::span<const std::int64_t> groups,
                                    const Resampling& resampling) {
  const std::vector<Group> sums = sums_of(values, groups);
  RandomStream stream(resampling.seed, 0, 0, "bootstrap");
  std::vector<double> means(static_cast<std::size_t>(resampling.rounds));
  for (double& mean : means) {
    Group drawn;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const Group& group = stream.choice(sums);
      drawn.sum += group.sum;
      drawn.count += group.count;
    }
    mean = drawn.sum / drawn.count;
  }
  std::ranges::sort(means);
  return means;
}

Interval middle_interval(std::span<const double> ascending_means, double level) {
  REFERENT_CHECK(!ascending_means.empty() && level > 0 && level < 1, "the middle {} of {} means",
                 level, ascending_means.size());
  const auto last = static_cast<double>(ascending_means.size() - 1);
  const auto cut = static_cast<std::size_t>(std::floor((1 - level) / 2 * last));
  return {ascending_means[cut], ascending_means[ascending_means.size() - 1 - cut]};
}

double sign_p(std::span<const double> ascending_means) {
  const auto not_above = std::ranges::upper_bound(ascending_means, 0.0) - ascending_means.begin();
  const auto not_below = ascending_means.end() - std::ranges::lower_bound(ascending_means, 0.0);
  const auto rounds = static_cast<double>(ascending_means.size());
  return std::min(1.0,
                  2 * (static_cast<double>(std::min(not_above, not_below)) + 1) / (rounds + 1));
}

double mcnemar_p(std::int64_t only_a, std::int64_t only_b) {
  const auto total = static_cast<double>(only_a + only_b);
  const std::int64_t rarer = std::min(only_a, only_b);
  double tail = 0;  // of Binomial(total, 1/2) at most `rarer`
  for (std::int64_t k = 0; k <= rarer; ++k) {
    const auto hits = static_cast<double>(k);
    tail += std::exp(std::lgamma(total + 1) - std::lgamma(hits + 1) -
                     std::lgamma(total - hits + 1) - total * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace referent::metrics
