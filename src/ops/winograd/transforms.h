// SPDX-License-Identifier: Apache-2.0
#pragma once

// Winograd's transforms along one side of a tile (Lavin and Gray 2016, section 4), named as there.

#include "vectors.h"

namespace referent::ops::winograd {

// Four outputs of three taps go by the points 0, -a, a, -b, b and infinity. With a = 3/4 and b =
// 3/2 less is rounded away than with the usual 1 and 2; all numbers but kOfZero, kOfA and kOfB are
// exact.
constexpr float kA = 0.75F, kA2 = kA * kA, kA3 = kA2 * kA;
constexpr float kB = 1.5F, kB2 = kB * kB, kB3 = kB2 * kB;
constexpr float kOfZero = 1 / (kA2 * kB2);
constexpr float kOfA = 1 / (2 * kA2 * (kA2 - kB2));
constexpr float kOfB = 1 / (2 * kB2 * (kB2 - kA2));

/// out = B^T in, of the inputs.
template <typename Vector>
REFERENT_INLINE void transform_input(const Vector (&in)[6], Vector (&out)[6]) {
  const Vector even_a = in[4] - kB2 * in[2];
  const Vector odd_a = kA * (in[3] - kB2 * in[1]);
  const Vector even_b = in[4] - kA2 * in[2];
  const Vector odd_b = kB * (in[3] - kA2 * in[1]);
  out[0] = kA2 * kB2 * in[0] - (kA2 + kB2) * in[2] + in[4];
  out[1] = even_a - odd_a;
  out[2] = even_a + odd_a;
  out[3] = even_b - odd_b;
  out[4] = even_b + odd_b;
  out[5] = kA2 * kB2 * in[1] - (kA2 + kB2) * in[3] + in[5];
}

/// out = G in, of the filter.
template <typename Vector>
REFERENT_INLINE void transform_filter(const Vector (&in)[3], Vector (&out)[6]) {
  const Vector even_a = kOfA * (in[0] + kA2 * in[2]);
  const Vector odd_a = kOfA * kA * in[1];
  const Vector even_b = kOfB * (in[0] + kB2 * in[2]);
  const Vector odd_b = kOfB * kB * in[1];
  out[0] = kOfZero * in[0];
  out[1] = even_a - odd_a;
  out[2] = even_a + odd_a;
  out[3] = even_b - odd_b;
  out[4] = even_b + odd_b;
  out[5] = in[2];
}

/// out = A^T in, of the outputs.
template <typename Vector>
REFERENT_INLINE void transform_output(const Vector (&in)[6], Vector (&out)[4]) {
  const Vector even_a = in[2] + in[1];
  const Vector odd_a = in[2] - in[1];
  const Vector even_b = in[4] + in[3];
  const Vector odd_b = in[4] - in[3];
  out[0] = in[0] + even_a + even_b;
  out[1] = kA * odd_a + kB * odd_b;
  out[2] = kA2 * even_a + kB2 * even_b;
  out[3] = kA3 * odd_a + kB3 * odd_b + in[5];
}

/// out = G' in, of the outputs' gradient: the filter, of four taps, of the filter's own gradient.
template <typename Vector>
REFERENT_INLINE void transform_gradient(const Vector (&in)[4], Vector (&out)[6]) {
  const Vector even_a = kOfA * (in[0] + kA2 * in[2]);
  const Vector odd_a = kOfA * (kA * in[1] + kA3 * in[3]);
  const Vector even_b = kOfB * (in[0] + kB2 * in[2]);
  const Vector odd_b = kOfB * (kB * in[1] + kB3 * in[3]);
  out[0] = kOfZero * in[0];
  out[1] = even_a - odd_a;
  out[2] = even_a + odd_a;
  out[3] = even_b - odd_b;
  out[4] = even_b + odd_b;
  out[5] = in[3];
}

/// out = A'^T in, of the filter's gradient.
template <typename Vector>
REFERENT_INLINE void transform_taps(const Vector (&in)[6], Vector (&out)[3]) {
  const Vector even_a = in[2] + in[1];
  const Vector even_b = in[4] + in[3];
  out[0] = in[0] + even_a + even_b;
  out[1] = kA * (in[2] - in[1]) + kB * (in[4] - in[3]);
  out[2] = kA2 * even_a + kB2 * even_b + in[5];
}

// Two outputs of three taps go by the points 0, 1, -1 and infinity.

template <typename Vector>
REFERENT_INLINE void transform_input(const Vector (&in)[4], Vector (&out)[4]) {
  out[0] = in[0] - in[2];
  out[1] = in[2] + in[1];
  out[2] = in[2] - in[1];
  out[3] = in[3] - in[1];
}

template <typename Vector>
REFERENT_INLINE void transform_filter(const Vector (&in)[3], Vector (&out)[4]) {
  const Vector even = 0.5F * (in[0] + in[2]);
  const Vector odd = 0.5F * in[1];
  out[0] = in[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = in[2];
}

template <typename Vector>
REFERENT_INLINE void transform_output(const Vector (&in)[4], Vector (&out)[2]) {
  out[0] = in[0] + in[1] + in[2];
  out[1] = in[1] - in[2] + in[3];
}

}  // namespace referent::ops::winograd
