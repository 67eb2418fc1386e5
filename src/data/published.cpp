// SPDX-License-Identifier: Apache-2.0
#include "referent/data/published.h"

#include <array>

namespace referent::data {
namespace {

/// What the formats call one data set.
struct Alias {
  std::string_view name;
  std::string_view dataset;
};

constexpr std::array kAliases{Alias{"refcoco@unc", "refcoco"},
                              Alias{"unc", "refcoco"},
                              Alias{"refcoco-unc", "refcoco"},
                              Alias{"refcoco+@unc", "refcoco+"},
                              Alias{"unc+", "refcoco+"},
                              Alias{"refcocoplus-unc", "refcoco+"},
                              Alias{"refcocog@umd", "refcocog-umd"},
                              Alias{"gref_umd", "refcocog-umd"},
                              Alias{"refcocog-umd", "refcocog-umd"},
                              Alias{"refcocog@google", "refcocog-google"},
                              Alias{"gref", "refcocog-google"},
                              Alias{"refcocog-google", "refcocog-google"},
                              Alias{"refclef@berkeley", "referit"},
                              Alias{"referit", "referit"},
                              Alias{"referitgame-berkeley", "referit"},
                              Alias{"flickr", "flickr"},
                              Alias{"flickr30k", "flickr"}};

struct Split {
  std::string_view dataset;
  std::string_view split;
  Counts counts;
};

constexpr std::array kSplits{Split{"refcoco", "train", {120624, 16994, 42404}},
                             Split{"refcoco", "val", {10834, 1500, 3811}},
                             Split{"refcoco", "testA", {5657, 750, 1975}},
                             Split{"refcoco", "testB", {5095, 750, 1810}},
                             Split{"refcoco+", "train", {120191, 16992, 42278}},
                             Split{"refcoco+", "val", {10758, 1500, 3805}},
                             Split{"refcoco+", "testA", {5726, 750, 1975}},
                             Split{"refcoco+", "testB", {4889, 750, 1798}},
                             Split{"refcocog-umd", "train", {80512, 21899, 42226}},
                             Split{"refcocog-umd", "val", {4896, 1300, 2573}},
                             Split{"refcocog-umd", "test", {9602, 2600, 5023}},
                             Split{"refcocog-google", "train", {85474, 24698, 44822}},
                             Split{"refcocog-google", "val", {9536, 4650, 5000}},
                             Split{"referit", "train", {54127, 0, 0}},
                             Split{"referit", "val", {5842, 0, 0}},
                             Split{"referit", "trainval", {59969, 0, 0}},
                             Split{"referit", "test", {60103, 0, 0}},
                             Split{"flickr", "train", {427193, 0, 0}},
                             Split{"flickr", "val", {14433, 0, 0}},
                             Split{"flickr", "test", {14481, 0, 0}}};

}  // namespace

std::optional<Counts> published_counts(std::string_view dataset, std::string_view split) {
  for (const Alias& alias : kAliases) {
    if (alias.name != dataset) continue;
    for (const Split& candidate : kSplits) {
      if (candidate.dataset == alias.dataset && candidate.split == split) return candidate.counts;
    }
  }
  return std::nullopt;
}

}  // namespace referent::data
