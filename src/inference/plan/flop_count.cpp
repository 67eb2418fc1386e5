// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/flop_count.h"

#include <utility>

namespace referent::inference {
namespace {

thread_local FlopCount* current = nullptr;

}  // namespace

FlopCount::FlopCount() : outer_(std::exchange(current, this)) {}

FlopCount::~FlopCount() {
  current = outer_;
}

void FlopCount::add(std::int64_t operations) {
  if (current != nullptr) current->total_ += operations;
}

}  // namespace referent::inference
