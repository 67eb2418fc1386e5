// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/loader.h"

#include <algorithm>
#include <utility>

#include "referent/batch/memory_pool.h"
#include "referent/core/batch_pipeline.h"
#include "referent/loader/collate.h"

namespace referent::loader {

std::int64_t batch_count(std::int64_t count, std::int64_t batch_size, bool drop_last) {
  return drop_last ? count / batch_size : (count + batch_size - 1) / batch_size;
}

Batches cut(const std::vector<std::int64_t>& order, std::int64_t batch_size, bool drop_last) {
  Batches batches(static_cast<std::size_t>(
      batch_count(static_cast<std::int64_t>(order.size()), batch_size, drop_last)));
  const auto size = static_cast<std::size_t>(batch_size);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(i * size);
    batches[i].assign(begin,
                      begin + static_cast<std::ptrdiff_t>(std::min(size, order.size() - i * size)));
  }
  return batches;
}

class Loader::Pipeline : public BatchPipeline<data::Sample, LoadedBatch> {
 public:
  using BatchPipeline::BatchPipeline;
};

namespace {

LoadedBatch join(std::vector<data::Sample> samples, std::vector<std::int64_t> indices,
                 const LoaderOptions& options) {
  // A batch's memory serves the batches after it, those of later loaders too.
  static const MemoryPool pool;
  const MemoryPool::Scope pooled(pool);
  LoadedBatch loaded;
  loaded.batch = collate(samples, options.text_length, options.pad_id);
  for (data::Sample& sample : samples) {
    sample.image = {};
    sample.mask.reset();
  }
  loaded.samples = std::move(samples);
  loaded.indices = std::move(indices);
  return loaded;
}

}  // namespace

Loader::Loader(MakeSample make_sample, Batches batches, const LoaderOptions& options)
    : pipeline_(std::make_unique<Pipeline>(
          std::move(batches), std::move(make_sample),
          [options](std::vector<data::Sample> samples, std::vector<std::int64_t> indices) {
            return join(std::move(samples), std::move(indices), options);
          },
          Pipeline::Options{.workers = options.workers, .ahead = options.ahead})) {}
Loader::~Loader() = default;
std::optional<LoadedBatch> Loader::next() {
  return pipeline_->next();
}

}  // namespace referent::loader
