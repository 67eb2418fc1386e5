// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/loader.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "referent/batch/memory_pool.h"
#include "referent/core/error.h"
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

class Loader::Pipeline {
 public:
  Pipeline(MakeSample make_sample, Batches batches, const LoaderOptions& options);
  ~Pipeline();

  std::optional<LoadedBatch> next();

 private:
  /// A batch on its way: samples come in any order, each to its place.
  struct Slot {
    explicit Slot(std::vector<std::int64_t> numbers)
        : count(numbers.size()), indices(std::move(numbers)), samples(count), errors(count) {}

    const std::size_t count;
    std::vector<std::int64_t> indices;
    std::vector<data::Sample> samples;
    std::vector<std::exception_ptr> errors;
    std::size_t started = 0;  ///< samples that a worker has taken up
    std::size_t made = 0;
    bool ready = false;
    LoadedBatch result;
    std::exception_ptr error;
  };

  Slot& open_slot();
  void make(Slot& slot, std::size_t place) const;
  void finish(Slot& slot) const;
  void work();
  Slot* slot_with_work();

  const MakeSample make_sample_;
  const Batches batches_;
  const LoaderOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;             ///< there may be a sample to make, or the end has come
  std::condition_variable ready_;            ///< a batch became ready
  std::deque<std::unique_ptr<Slot>> slots_;  ///< from the batch that next() returns next
  std::size_t opened_ = 0;                   ///< first batch without a slot
  bool stopping_ = false;                    ///< after an error, or at the end of life
  std::vector<std::thread> workers_;
};

Loader::Pipeline::Pipeline(MakeSample make_sample, Batches batches, const LoaderOptions& options)
    : make_sample_(std::move(make_sample)), batches_(std::move(batches)), options_(options) {
  REFERENT_CHECK(options.workers >= 0 && options.ahead >= 1, "{} workers, {} ahead",
                 options.workers, options.ahead);
  for (std::int64_t i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
}

Loader::Pipeline::~Pipeline() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Loader::Pipeline::Slot& Loader::Pipeline::open_slot() {
  return *slots_.emplace_back(std::make_unique<Slot>(batches_[opened_++]));
}

void Loader::Pipeline::make(Slot& slot, std::size_t place) const {
  try {
    slot.samples[place] = make_sample_(slot.indices[place]);
  } catch (...) {
    slot.errors[place] = std::current_exception();
  }
}

void Loader::Pipeline::finish(Slot& slot) const {
  const auto failed = std::ranges::find_if(slot.errors, [](const auto& error) { return !!error; });
  if (failed != slot.errors.end()) {
    slot.error = *failed;
    return;
  }
  try {
    // A batch's memory serves the batches after it, those of later loaders too.
    static const MemoryPool pool;
    const MemoryPool::Scope pooled(pool);
    slot.result.batch = collate(slot.samples, options_.text_length, options_.pad_id);
  } catch (...) {
    slot.error = std::current_exception();
    return;
  }
  for (data::Sample& sample : slot.samples) {
    sample.image = {};
    sample.mask.reset();
  }
  slot.result.samples = std::move(slot.samples);
  slot.result.indices = std::move(slot.indices);
}

Loader::Pipeline::Slot* Loader::Pipeline::slot_with_work() {
  for (const auto& slot : slots_) {
    if (slot->started < slot->count) return slot.get();
  }
  if (opened_ < batches_.size() && static_cast<std::int64_t>(slots_.size()) < options_.ahead) {
    return &open_slot();
  }
  return nullptr;
}

void Loader::Pipeline::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Slot* slot = slot_with_work();
    if (slot == nullptr) {
      work_.wait(lock);
      continue;
    }
    const std::size_t place = slot->started++;
    lock.unlock();
    make(*slot, place);
    lock.lock();
    if (++slot->made < slot->count) continue;
    lock.unlock();
    finish(*slot);
    lock.lock();
    slot->ready = true;
    ready_.notify_one();
  }
}

std::optional<LoadedBatch> Loader::Pipeline::next() {
  std::unique_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    if (stopping_) return std::nullopt;
    if (slots_.empty()) {
      if (opened_ >= batches_.size()) return std::nullopt;
      open_slot();
      work_.notify_all();
    }
    if (!workers_.empty()) ready_.wait(lock, [this] { return slots_.front()->ready; });
    slot = std::move(slots_.front());
    slots_.pop_front();
  }
  work_.notify_all();
  if (workers_.empty()) {
    for (std::size_t place = 0; place < slot->count; ++place) make(*slot, place);
    finish(*slot);
  }
  if (slot->error) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    std::rethrow_exception(slot->error);
  }
  return std::move(slot->result);
}

Loader::Loader(MakeSample make_sample, Batches batches, const LoaderOptions& options)
    : pipeline_(std::make_unique<Pipeline>(std::move(make_sample), std::move(batches), options)) {}
Loader::~Loader() = default;
std::optional<LoadedBatch> Loader::next() {
  return pipeline_->next();
}

}  // namespace referent::loader
