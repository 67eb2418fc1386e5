// SPDX-License-Identifier: Apache-2.0
#include "bare_decode.h"

#include <cstdio>
// jpeglib.h needs what cstdio declares.
#include <jpeglib.h>

#include <fstream>

#include "referent/core/error.h"

namespace referent::app::bench {

const std::vector<std::uint8_t>& BareDecoder::operator()(const Path& path) {
  file_.resize(std::filesystem::file_size(path));
  std::ifstream stream(path, std::ios::binary);
  stream.rdbuf()->pubsetbuf(nullptr, 0);
  stream.read(reinterpret_cast<char*>(file_.data()), static_cast<std::streamsize>(file_.size()));
  if (!stream) throw DataError("cannot read {}", path.string());

  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file_.data()), file_.size());
  jpeg_read_header(&info, TRUE);
  if (info.num_components == 4) {
    jpeg_destroy_decompress(&info);
    throw DataError("{} is a CMYK picture; the benchmark takes RGB and grey ones", path.string());
  }
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  const std::size_t row_size = 3 * static_cast<std::size_t>(info.output_width);
  pixels_.resize(row_size * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels_.data() + row_size * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return pixels_;
}

}  // namespace referent::app::bench
