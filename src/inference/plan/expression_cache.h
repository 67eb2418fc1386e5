// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "referent/batch/features.h"

namespace referent::inference {

/// What was read lately: one expression often meets many pictures. Every expression is read by
/// itself, so that what comes out does not depend on its neighbours nor on what is still kept. Safe
/// to use from many threads.
class ExpressionCache {
 public:
  using Read =
      std::function<TextFeatures(const torch::Tensor& tokens, const torch::Tensor& padding)>;

  /// Keeps up to `most` expressions.
  explicit ExpressionCache(std::size_t most) : most_(most) {}

  /// The features of tokens [B, L] int64 and padding [B, L] bool, on the CPU; `read` is asked for
  /// those that are not there, one row at a time.
  TextFeatures get(const torch::Tensor& tokens, const torch::Tensor& padding, const Read& read);

 private:
  struct Entry {
    std::string key;
    TextFeatures features;  ///< of one row
  };

  TextFeatures get_row(const torch::Tensor& tokens, const torch::Tensor& padding, const Read& read);

  const std::size_t most_;
  std::mutex mutex_;
  std::list<Entry> entries_;  ///< the latest first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace referent::inference
