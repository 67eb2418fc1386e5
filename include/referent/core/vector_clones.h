// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Before a function of plain loops: compiles it for wider vectors too, and the loader chooses what
/// the processor has. AVX2 brings no fused multiply-add, so that every clone gives the same bits.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define REFERENT_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
// A sanitizer is not yet there when the choice is made.
#define REFERENT_VECTOR_CLONES
#endif
