// SPDX-License-Identifier: Apache-2.0
#include "drivers/files/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <string>

#include "drivers/files/byte_output.hpp"

namespace nicol::files {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64, kPrelude = 10;  // magic, version, length of the header

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

/// A Python literal, filled up with spaces so that the values begin at a multiple of 64 bytes.
std::string header_text(std::string_view dtype, std::span<const std::size_t> shape) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", dtype, shape_text(shape));
  const std::size_t unpadded = kPrelude + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text.push_back('\n');
  return text;
}

template <class Value>
Result<void> write(const std::filesystem::path& path, std::string_view dtype, std::span<const Value> values,
                   std::span<const std::size_t> shape) {
  std::size_t product = 1;
  for (const std::size_t n : shape) product *= n;
  if (product != values.size())
    return Error{
        Code::bad_input, fmt::format("{} values for the shape {}", values.size(), shape_text(shape)), {}, 0, {}};
  const std::string header = header_text(dtype, shape);
  if (header.size() > UINT16_MAX) return Error{Code::bad_input, "more dimensions than a .npy 1.0 holds", {}, 0, {}};
  auto out = ByteOutput::create(path);
  if (!out) return std::move(out).error();
  if (auto ok = out->put(kMagic); !ok) return ok;
  if (auto ok = out->put_le(std::uint16_t{1}); !ok) return ok;  // version 1.0
  if (auto ok = out->put_le(static_cast<std::uint16_t>(header.size())); !ok) return ok;
  if (auto ok = out->put(header); !ok) return ok;
  for (const Value value : values)
    if (auto ok = out->put_le(std::bit_cast<std::uint64_t>(value)); !ok) return ok;
  return out->commit();
}

}  // namespace

Result<void> write_npy(const std::filesystem::path& path, std::span<const std::uint64_t> values,
                       std::span<const std::size_t> shape) {
  return write(path, "<u8", values, shape);
}

Result<void> write_npy(const std::filesystem::path& path, std::span<const double> values,
                       std::span<const std::size_t> shape) {
  return write(path, "<f8", values, shape);
}

}  // namespace nicol::files
