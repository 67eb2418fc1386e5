// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "referent/batch/batch.h"
#include "referent/data/example.h"

namespace referent::loader {

/// A batch and the samples that it was made of, without their pixels.
struct LoadedBatch {
  Batch batch;
  std::vector<data::Sample> samples;
  std::vector<std::int64_t> indices;  ///< of the samples in the data set
};

/// The indices of the samples of each batch, none of them empty.
using Batches = std::vector<std::vector<std::int64_t>>;

/// How batches are read.
struct LoaderOptions {
  std::int64_t text_length = 20;  ///< padded length of an expression
  std::int64_t pad_id = 0;
  std::int64_t workers = 0;  ///< threads; 0 reads on the caller's
  std::int64_t ahead = 2;    ///< batches that workers may be ahead of the consumer, at least 1
};

/// Batches in order, whatever the number of workers. Workers make samples, and the one
/// that makes a batch's last sample collates it. What a worker throws comes out of next() in place
/// of the batch concerned; if several samples of a batch fail, the first one's error. For one
/// consumer.
class Loader {
 public:
  /// Makes sample number `index` of the data set; called from many threads at once.
  using MakeSample = std::function<data::Sample(std::int64_t index)>;

  Loader(MakeSample make_sample, Batches batches, const LoaderOptions& options);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  /// Ends the workers, after the samples that they are at.
  ~Loader();

  /// The next batch; nothing after the last, or after an error.
  std::optional<LoadedBatch> next();

 private:
  class Pipeline;
  std::unique_ptr<Pipeline> pipeline_;
};

/// Batches that `count` samples make; `drop_last` leaves out a last one that is not full.
std::int64_t batch_count(std::int64_t count, std::int64_t batch_size, bool drop_last);

/// `order` cut into batch_count() batches.
Batches cut(const std::vector<std::int64_t>& order, std::int64_t batch_size, bool drop_last);

}  // namespace referent::loader
