// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernels, compiled for AVX-512 (wide) and for AVX2 with fused multiply-add (narrow).

#include "kernels.h"

namespace referent::ops::winograd {

void pack_wide(const Geometry& geometry, const float* filter, const FilterStrides& strides,
               std::int64_t begin, std::int64_t end, float* packed);
void pack_narrow(const Geometry& geometry, const float* filter, const FilterStrides& strides,
                 std::int64_t begin, std::int64_t end, float* packed);

void convolve_wide(const Geometry& geometry, const Part& part, const float* x, const float* packed,
                   const Epilogue& epilogue, float* scratch, float* y);
void convolve_narrow(const Geometry& geometry, const Part& part, const float* x,
                     const float* packed, const Epilogue& epilogue, float* scratch, float* y);

void accumulate_wide(const Geometry& geometry, std::int64_t channels, const float* x,
                     const float* packed, bool onto, float* scratch, float* sums);
void accumulate_narrow(const Geometry& geometry, std::int64_t channels, const float* x,
                       const float* packed, bool onto, float* scratch, float* sums);
void finish_wide(const Geometry& geometry, std::int64_t panel, float* sums, std::int64_t parts,
                 std::int64_t part_stride, const Epilogue& epilogue, float* y);
void finish_narrow(const Geometry& geometry, std::int64_t panel, float* sums, std::int64_t parts,
                   std::int64_t part_stride, const Epilogue& epilogue, float* y);

void gather_wide(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                 std::int64_t begin, std::int64_t end, const float* x, const float* gradient,
                 float* inputs, float* outputs);
void gather_narrow(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                   std::int64_t begin, std::int64_t end, const float* x, const float* gradient,
                   float* inputs, float* outputs);

void correlate_wide(const Geometry& geometry, std::int64_t tiles, std::int64_t begin,
                    std::int64_t end, const float* inputs, const float* outputs, bool onto,
                    float* sums);
void correlate_narrow(const Geometry& geometry, std::int64_t tiles, std::int64_t begin,
                      std::int64_t end, const float* inputs, const float* outputs, bool onto,
                      float* sums);

void unpack_wide(const Geometry& geometry, const float* sums, std::int64_t begin, std::int64_t end,
                 const FilterStrides& strides, float* filter);
void unpack_narrow(const Geometry& geometry, const float* sums, std::int64_t begin,
                   std::int64_t end, const FilterStrides& strides, float* filter);

}  // namespace referent::ops::winograd
