// SPDX-License-Identifier: Apache-2.0
// read_header CHECKPOINT: how many tensors it holds, with the library that needs no LibTorch.
#include <cstdio>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const auto checkpoint = referent::checkpoint::read_checkpoint(argv[1]);
    std::printf("%zu\n", checkpoint.tensors.size());
    return 0;
  } catch (const referent::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.status());
  }
}
