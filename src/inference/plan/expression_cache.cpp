// SPDX-License-Identifier: Apache-2.0
#include "expression_cache.h"

#include <ATen/ops/cat.h>

#include <vector>

namespace referent::inference {

using torch::Tensor;

namespace {

std::string key_of(const Tensor& tokens, const Tensor& padding) {
  std::string key;
  for (const Tensor& part : {tokens.contiguous(), padding.contiguous()}) {
    key.append(static_cast<const char*>(part.const_data_ptr()), part.nbytes());
  }
  return key;
}

}  // namespace

TextFeatures ExpressionCache::get(const Tensor& tokens, const Tensor& padding, const Read& read) {
  std::vector<Tensor> features, paddings, means;
  for (std::int64_t row = 0; row < tokens.size(0); ++row) {
    const TextFeatures one = get_row(tokens.narrow(0, row, 1), padding.narrow(0, row, 1), read);
    features.push_back(one.tokens);
    paddings.push_back(one.padding);
    means.push_back(one.mean);
  }
  return {at::cat(features), at::cat(paddings), at::cat(means)};
}

TextFeatures ExpressionCache::get_row(const Tensor& tokens, const Tensor& padding,
                                      const Read& read) {
  const std::string key = key_of(tokens, padding);
  {
    const std::lock_guard lock(mutex_);
    if (const auto place = places_.find(key); place != places_.end()) {
      entries_.splice(entries_.begin(), entries_, place->second);
      return entries_.front().features;
    }
  }
  const TextFeatures features = read(tokens, padding);
  const std::lock_guard lock(mutex_);
  if (!places_.contains(key)) {  // nobody read it meanwhile
    entries_.push_front({key, features});
    places_.emplace(key, entries_.begin());
    if (entries_.size() > most_) {
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }
  return features;
}

}  // namespace referent::inference
