// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// How far a measured mean may be trusted, and whether two of them differ.
namespace referent::metrics {

struct Interval {
  double low = 0;
  double high = 0;
};

/// How a bootstrap draws; the same seed gives the same numbers on every machine.
struct Resampling {
  std::int64_t rounds = 10'000;
  std::uint64_t seed = 0;
};

/// The means of `rounds` resamples of `values`, ascending. `groups` says for every value what it
/// belongs to (0, 1, ..., none left out): whole groups are drawn with replacement, as many as there
/// are, because values of one group (expressions about one picture) do not vary independently
/// (cluster bootstrap; Davison and Hinkley 1997, section 3.8). Needs as many groups as values and
/// at least one value.
std::vector<double> resampled_means(std::span<const double> values,
                                    std::span<const std::int64_t> groups,
                                    const Resampling& resampling = {});

/// The middle `level` of ascending means: their percentile interval.
Interval middle_interval(std::span<const double> ascending_means, double level = 0.95);

/// Two-sided p of "the mean is zero" by the ascending resampled means of paired differences: twice
/// the share on the rarer side of zero, one added to both counts so that it is never 0.
double sign_p(std::span<const double> ascending_means);

/// Exact two-sided McNemar test (McNemar 1947): p of as uneven a split as this of the samples that
/// exactly one of two systems hits, if either were as likely. 1 where there are none.
double mcnemar_p(std::int64_t only_a, std::int64_t only_b);

}  // namespace referent::metrics
