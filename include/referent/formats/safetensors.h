// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "referent/core/file.h"
#include "referent/formats/tensor.h"

namespace referent::formats {

/// Reads a safetensors file. The tensors view the memory-mapped file and share its ownership.
/// Everything is checked before a tensor is made: header of at most 100 MB that is strict JSON,
/// known element types, extents that are not negative, byte ranges that fit the shapes, follow one
/// another without hole or overlap and end with the file. Throws CheckpointError.
TensorFile read_safetensors(const Path& path);

/// The same of `bytes`, which `owner` keeps alive; `where` names them in messages.
TensorFile read_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const std::string& where);

/// Writes `tensors` and `metadata` as one safetensors file that appears whole or not at all.
/// Tensors are laid out as the reference implementation does: wide elements first, then by name, so
/// that each is aligned. Throws FileError; CheckpointError for text that is not UTF-8.
void write_safetensors(const Path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata);

/// The first bytes of that file: the length of the header (8 bytes, little endian) and the header.
std::string safetensors_header(const TensorMap& tensors,
                               const std::map<std::string, std::string>& metadata);

/// The file made of a header by `safetensors_header` and the bytes of `tensors`.
void write_safetensors(const Path& path, const std::string& header, const TensorMap& tensors);

/// Whether `bytes` begin as a safetensors file does: a plausible length, then '{'.
bool looks_like_safetensors(std::span<const std::byte> bytes);

}  // namespace referent::formats
