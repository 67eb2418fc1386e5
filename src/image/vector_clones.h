// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Before a function of pixel loops: compiles it for AVX2 too, and the loader chooses what the
/// processor has. Both give the same bits, since AVX2 brings no fused multiply-add.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define REFERENT_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
// A sanitizer is not yet there when the choice is made.
#define REFERENT_VECTOR_CLONES
#endif
