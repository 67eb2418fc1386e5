// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Before a function of plain loops: compiles it for wider vectors too, and the loader chooses what
/// the processor has.
///
/// REFERENT_VECTOR_CLONES: AVX2, which brings no fused multiply-add, so that every clone gives the
/// same bits. REFERENT_FUSED_CLONES: AVX2 with it, for loops that say std::fma.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define REFERENT_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#define REFERENT_FUSED_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
// A sanitizer is not yet there when the choice is made.
#define REFERENT_VECTOR_CLONES
#define REFERENT_FUSED_CLONES
#endif
