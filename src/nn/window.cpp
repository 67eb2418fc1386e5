// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/window.h"

#include <ATen/ops/constant_pad_nd.h>

namespace referent::nn {
namespace {

using torch::Tensor;

std::int64_t windows_along(std::int64_t cells, std::int64_t size) {
  return (cells + size - 1) / size;
}

}  // namespace

Tensor partition_windows(const Tensor& x, std::int64_t size) {
  const std::int64_t rows = windows_along(x.size(1), size);
  const std::int64_t columns = windows_along(x.size(2), size);
  const std::int64_t below = rows * size - x.size(1);
  const std::int64_t right = columns * size - x.size(2);
  const Tensor padded = below + right > 0 ? at::constant_pad_nd(x, {0, 0, 0, right, 0, below}) : x;
  return padded.view({x.size(0), rows, size, columns, size, x.size(3)})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({x.size(0) * rows * columns, size, size, x.size(3)});
}

Tensor join_windows(const Tensor& windows, std::int64_t height, std::int64_t width) {
  const std::int64_t size = windows.size(1);
  const std::int64_t rows = windows_along(height, size);
  const std::int64_t columns = windows_along(width, size);
  const std::int64_t batch = windows.size(0) / (rows * columns);
  const Tensor grid = windows.view({batch, rows, columns, size, size, windows.size(3)})
                          .permute({0, 1, 3, 2, 4, 5})
                          .reshape({batch, rows * size, columns * size, windows.size(3)});
  return grid.narrow(1, 0, height).narrow(2, 0, width);
}

}  // namespace referent::nn
