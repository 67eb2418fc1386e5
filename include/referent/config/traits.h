// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "referent/config/field.h"

/// The kinds of field that visitors tell apart.
namespace referent::config {

namespace detail {
struct AnyVisitor {
  template <typename... Args>
  void field(const char* /*name*/, Args&&... /*args*/) {}
};

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
inline constexpr bool kIsArray = false;
template <typename T, std::size_t kSize>
inline constexpr bool kIsArray<std::array<T, kSize>> = true;
template <typename T>
inline constexpr bool kIsMap = false;
template <typename T>
inline constexpr bool kIsMap<std::map<std::string, T>> = true;
}  // namespace detail

template <typename T>
concept Boolean = std::same_as<T, bool>;
template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;
template <typename T>
concept Real = std::same_as<T, double>;
template <typename T>
concept Text = std::same_as<T, std::string>;
template <typename T>
concept FilePath = std::same_as<T, std::filesystem::path>;
template <typename T>
concept Enumeration = std::is_enum_v<T>;
template <typename T>
concept Structure = std::is_class_v<T> && requires(T& t, detail::AnyVisitor& v) {
  t.visit(v);
};
template <typename T>
concept Optional = detail::kIsOptional<T>;
template <typename T>
concept List = detail::kIsVector<T>;
template <typename T>
concept FixedList = detail::kIsArray<T>;
template <typename T>
concept Dictionary = detail::kIsMap<T>;

/// The JSON names of an enum, in documentation order.
template <Enumeration T>
std::vector<std::string> enum_names() {
  std::vector<std::string> names;
  names.reserve(EnumNames<T>::kNames.size());
  for (const auto& [value, name] : EnumNames<T>::kNames) names.emplace_back(name);
  return names;
}

}  // namespace referent::config
