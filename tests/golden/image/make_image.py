# SPDX-License-Identifier: Apache-2.0
"""Writes the fixtures of tests/image: what Pillow makes of pictures that the tests can make again.

    python make_image.py        (in this folder; needs Pillow and numpy)

pillow.json holds CRC-32s of RGB bytes. `operations` start from a picture made by rule (see `picture`,
repeated in tests/image/pillow_test.cpp), `files` from the small files beside it.
"""
import io
import json
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageFilter, ImageOps, features


def picture(kind, width, height):
    """`random`: byte i is the top byte of splitmix64(fnv1a64("random WxH") + (i + 1) * gamma).
    `gradient`: red grows to the right, green downwards, blue along the diagonal."""
    if kind == "random":
        state = 14695981039346656037
        for byte in f"random {width}x{height}".encode():
            state = ((state ^ byte) * 1099511628211) & (2**64 - 1)
        with np.errstate(over="ignore"):
            z = np.arange(1, 3 * width * height + 1, dtype=np.uint64)
            z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(state)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
        values = (z >> np.uint64(56)).astype(np.uint8).reshape(height, width, 3)
    else:
        y, x = np.mgrid[0:height, 0:width]
        red = x * 255 // max(width - 1, 1)
        green = y * 255 // max(height - 1, 1)
        blue = (x + y) * 255 // max(width + height - 2, 1)
        values = np.stack([red, green, blue], 2).astype(np.uint8)
    return Image.fromarray(values, "RGB") if PIL.__version__ < "12" else Image.fromarray(values)


def crc(image):
    return "%08x" % zlib.crc32(image.tobytes())


RESIZES = [
    # from, to
    ((64, 48), (64, 48)), ((64, 48), (32, 24)), ((64, 48), (128, 96)), ((64, 48), (33, 17)),
    ((64, 48), (64, 20)), ((64, 48), (20, 48)), ((64, 48), (65, 47)), ((64, 48), (7, 91)),
    ((640, 480), (448, 336)), ((640, 427), (608, 406)), ((375, 500), (480, 640)),
    ((200, 150), (1, 1)), ((1, 1), (9, 5)), ((1, 300), (40, 20)), ((300, 1), (17, 3)),
    ((2, 3), (640, 3)), ((1000, 10), (31, 640)), ((513, 257), (129, 65)),
    ((50, 200), (30, 150)), ((50, 200), (30, 160)), ((50, 200), (30, 159)),
]
FACTORS = [0.0, 0.2, 0.6, 0.7679638450971816, 0.9999, 1.0, 1.1, 1.4, 2.5, -0.5]
SIGMAS = [0.0, 0.05, 0.1, 0.5, 0.777, 1.0, 1.31, 1.5, 2.0, 3.7, 12.0]
SIZES = [(64, 48), (5, 3), (1, 1), (200, 2)]


def operations():
    for kind in ("random", "gradient"):
        for before, after in RESIZES:
            for name, resample in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
                result = picture(kind, *before).resize(after, resample)
                yield {"picture": kind, "size": before, "operation": name, "to": after,
                       "crc32": crc(result)}
        for size in SIZES:
            image = picture(kind, *size)
            for factor in FACTORS:
                for name, enhancer in (("brightness", ImageEnhance.Brightness),
                                       ("contrast", ImageEnhance.Contrast),
                                       ("saturation", ImageEnhance.Color)):
                    yield {"picture": kind, "size": size, "operation": name, "value": factor,
                           "crc32": crc(enhancer(image).enhance(factor))}
            for sigma in SIGMAS:
                yield {"picture": kind, "size": size, "operation": "blur", "value": sigma,
                       "crc32": crc(image.filter(ImageFilter.GaussianBlur(sigma)))}


def png_chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def raw_png(values, bits, color_type, extra=b""):
    """A PNG file of samples (height, width, channels) that Pillow cannot write itself."""
    height, width = values.shape[:2]
    rows = values.astype(">u2" if bits == 16 else "u1").reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra +
            png_chunk(b"IDAT", zlib.compress(data, 9)) + png_chunk(b"IEND", b""))


def interlaced_png(values, bits, color_type):
    """Adam7, which Pillow reads but does not write."""
    height, width = values.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)]
    data = b""
    for x, y, x_step, y_step in passes:
        part = values[y::y_step, x::x_step].astype(">u2" if bits == 16 else "u1")
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 1)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) +
            png_chunk(b"IDAT", zlib.compress(data, 9)) + png_chunk(b"IEND", b""))


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def files():
    image = picture("gradient", 23, 17)
    noise = picture("random", 23, 17)
    alpha = image.copy()
    alpha.putalpha(noise.getchannel("R"))
    wide = np.array(noise, dtype=np.uint32) * 257 // 3 + 11
    yield "rgb.png", saved(noise.resize((9, 7)), "PNG")
    yield "grey.png", saved(image.convert("L"), "PNG")
    yield "bit.png", saved(image.convert("1"), "PNG")
    yield "grey2.png", raw_2bit(image)
    yield "grey_alpha.png", saved(alpha.convert("LA"), "PNG")
    yield "rgba.png", saved(alpha, "PNG")
    palette = image.quantize(13)
    yield "palette.png", saved(palette, "PNG")
    yield "palette_bits.png", saved(image.quantize(3), "PNG", bits=2)
    yield "palette_transparent.png", saved(palette, "PNG", transparency=bytes(range(0, 250, 20)))
    yield "rgb_transparent.png", saved(image, "PNG", transparency=image.getpixel((3, 3)))
    yield "grey16.png", raw_png(wide[:, :, :1] // 40, 16, 0)
    yield "grey16_interlaced.png", interlaced_png(wide[:, :, :1] // 40, 16, 0)
    yield "rgb16.png", raw_png(wide, 16, 2)
    yield "grey_alpha16.png", raw_png(wide[:, :, :2], 16, 4)
    yield "rgba16.png", raw_png(np.concatenate([wide, wide[:, :, :1]], 2), 16, 6)
    yield "rgb_interlaced.png", interlaced_png(np.array(image), 8, 2)
    yield "gamma.png", raw_png(np.array(image), 8, 2,
                               png_chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "turned.png", saved(image, "PNG", exif=orientation(6))
    for value in range(1, 9):
        yield f"orientation{value}.jpg", saved(image, "JPEG", exif=orientation(value))
    yield "grey.jpg", saved(image.convert("L"), "JPEG")
    yield "progressive.jpg", saved(noise, "JPEG", progressive=True, quality=60)
    yield "444.jpg", saved(noise, "JPEG", subsampling=0, quality=60)
    yield "422.jpg", saved(noise, "JPEG", subsampling=1, quality=60)
    yield "420.jpg", saved(noise, "JPEG", subsampling=2, quality=60)
    yield "restart.jpg", saved(noise, "JPEG", quality=60, restart_marker_blocks=1)
    yield "rgb.jpg", saved(noise, "JPEG", keep_rgb=True, quality=60)
    cmyk = saved(noise.resize((9, 7)).convert("CMYK"), "JPEG")
    yield "cmyk.jpg", cmyk
    # The last byte of Adobe's segment says how colours are coded: 2 means YCCK.
    at = cmyk.index(b"Adobe") + 11
    yield "ycck.jpg", cmyk[:at] + b"\2" + cmyk[at + 1:]
    yield "lossy.webp", saved(noise, "WEBP", quality=60)
    yield "lossy_alpha.webp", saved(alpha, "WEBP", quality=60)
    yield "lossless.webp", saved(image, "WEBP", lossless=True)
    yield "lossless_alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    yield "turned.webp", saved(image, "WEBP", quality=60, exif=orientation(8))


def raw_2bit(image):
    grey = np.array(image.convert("L")) >> 6
    width = grey.shape[1]
    rows = b""
    for row in grey:
        packed = bytearray((width + 3) // 4)
        for x, value in enumerate(row):
            packed[x // 4] |= int(value) << (6 - 2 * (x % 4))
        rows += b"\0" + bytes(packed)
    header = struct.pack(">IIBBBBB", width, grey.shape[0], 2, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) +
            png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b""))


def describe(name, data):
    with open(name, "wb") as f:
        f.write(data)
    image = Image.open(name)
    stored = image.convert("RGB")
    upright = ImageOps.exif_transpose(image).convert("RGB")
    return {"file": name, "size": stored.size, "crc32": crc(stored), "upright_size": upright.size,
            "upright_crc32": crc(upright)}


def animation(form):
    frames = [picture("gradient", 8, 6), picture("random", 8, 6)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], duration=100)


def main():
    document = {"made_by": "tests/golden/image/make_image.py",
                "pillow": PIL.__version__,
                "libjpeg_turbo": features.version("libjpeg_turbo"),
                "webp": features.version("webp"),
                "operations": list(operations()),
                "files": [describe(name, data) for name, data in files()]}
    for name, form in (("animated.webp", "WEBP"), ("animated.png", "PNG"), ("still.gif", "GIF")):
        with open(name, "wb") as f:
            f.write(animation(form))
    lines = json.dumps(document).replace('{"picture"', '\n{"picture"').replace('{"file"', '\n{"file"')
    with open("pillow.json", "w") as f:
        f.write(lines + "\n")


if __name__ == "__main__":
    main()
