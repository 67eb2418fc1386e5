// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "referent/core/error.h"

namespace referent {

/// Makes batches of parts on worker threads and gives them out in order, whatever the number of
/// workers. The worker that makes a batch's last part joins the parts. What a worker throws comes
/// out of next() in place of the batch concerned; if several parts of a batch fail, the first one's
/// error. For one consumer.
template <typename Part, typename Batch>
class BatchPipeline {
 public:
  using Indices = std::vector<std::int64_t>;
  /// Makes part number `index`; called from many threads at once.
  using Make = std::function<Part(std::int64_t index)>;
  /// Makes a batch of its parts, which have these indices; called from many threads at once.
  using Join = std::function<Batch(std::vector<Part> parts, Indices indices)>;

  struct Options {
    std::int64_t workers = 0;  ///< threads; 0 works on the caller's
    std::int64_t ahead = 2;    ///< batches that workers may be ahead of the consumer, at least 1
  };

  /// `batches`: the indices of the parts of each batch, none of them empty.
  BatchPipeline(std::vector<Indices> batches, Make make, Join join, const Options& options);
  BatchPipeline(const BatchPipeline&) = delete;
  BatchPipeline& operator=(const BatchPipeline&) = delete;
  /// Ends the workers, after the parts that they are at.
  ~BatchPipeline();

  /// The next batch; nothing after the last, or after an error.
  std::optional<Batch> next();

 private:
  /// A batch on its way: parts come in any order, each to its place.
  struct Slot {
    explicit Slot(Indices numbers)
        : count(numbers.size()), indices(std::move(numbers)), parts(count), errors(count) {}

    const std::size_t count;
    Indices indices;
    std::vector<Part> parts;
    std::vector<std::exception_ptr> errors;
    std::size_t started = 0;  ///< parts that a worker has taken up
    std::size_t made = 0;
    bool ready = false;
    std::optional<Batch> result;
    std::exception_ptr error;
  };

  Slot& open_slot() { return *slots_.emplace_back(std::make_unique<Slot>(batches_[opened_++])); }
  Slot* slot_with_work();
  void make(Slot& slot, std::size_t place) const;
  void finish(Slot& slot) const;
  void work();
  void stop();

  const std::vector<Indices> batches_;
  const Make make_;
  const Join join_;
  const Options options_;

  std::mutex mutex_;
  std::condition_variable work_;             ///< there may be a part to make, or the end has come
  std::condition_variable ready_;            ///< a batch became ready
  std::deque<std::unique_ptr<Slot>> slots_;  ///< from the batch that next() returns next
  std::size_t opened_ = 0;                   ///< first batch without a slot
  bool stopping_ = false;                    ///< after an error, or at the end of life
  std::vector<std::thread> workers_;
};

template <typename Part, typename Batch>
BatchPipeline<Part, Batch>::BatchPipeline(std::vector<Indices> batches, Make make, Join join,
                                          const Options& options)
    : batches_(std::move(batches)),
      make_(std::move(make)),
      join_(std::move(join)),
      options_(options) {
  REFERENT_CHECK(options.workers >= 0 && options.ahead >= 1, "{} workers, {} ahead",
                 options.workers, options.ahead);
  for (std::int64_t i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
}

template <typename Part, typename Batch>
BatchPipeline<Part, Batch>::~BatchPipeline() {
  stop();
  for (std::thread& worker : workers_) worker.join();
}

template <typename Part, typename Batch>
void BatchPipeline<Part, Batch>::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
}

template <typename Part, typename Batch>
void BatchPipeline<Part, Batch>::make(Slot& slot, std::size_t place) const {
  try {
    slot.parts[place] = make_(slot.indices[place]);
  } catch (...) {
    slot.errors[place] = std::current_exception();
  }
}

template <typename Part, typename Batch>
void BatchPipeline<Part, Batch>::finish(Slot& slot) const {
  const auto failed = std::ranges::find_if(slot.errors, [](const auto& error) { return !!error; });
  if (failed != slot.errors.end()) {
    slot.error = *failed;
    return;
  }
  try {
    slot.result = join_(std::move(slot.parts), std::move(slot.indices));
  } catch (...) {
    slot.error = std::current_exception();
  }
}

template <typename Part, typename Batch>
typename BatchPipeline<Part, Batch>::Slot* BatchPipeline<Part, Batch>::slot_with_work() {
  for (const auto& slot : slots_) {
    if (slot->started < slot->count) return slot.get();
  }
  if (opened_ < batches_.size() && static_cast<std::int64_t>(slots_.size()) < options_.ahead) {
    return &open_slot();
  }
  return nullptr;
}

template <typename Part, typename Batch>
void BatchPipeline<Part, Batch>::work() {
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

template <typename Part, typename Batch>
std::optional<Batch> BatchPipeline<Part, Batch>::next() {
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
    stop();
    std::rethrow_exception(slot->error);
  }
  return std::move(slot->result);
}

}  // namespace referent
