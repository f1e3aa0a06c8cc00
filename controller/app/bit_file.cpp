// SPDX-License-Identifier: Apache-2.0
#include "controller/app/bit_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "controller/service/tcp.hpp"

namespace nicol::app {
namespace {

using service::Descriptor;

Error bad(const std::filesystem::path& file, const std::string& what) {
  return {Code::bad_input, fmt::format("{}: {}", file.string(), what), "", errno, {}};
}

Result<Descriptor> open_for_bits(const std::filesystem::path& file, std::uint64_t bits) {
  Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return bad(file, std::strerror(errno));
  struct stat s {};
  fstat(fd.get(), &s);
  const std::uint64_t need = (bits + 7) / 8;
  if (S_ISREG(s.st_mode) && static_cast<std::uint64_t>(s.st_size) < need)
    return bad(file, fmt::format("expected {} bytes for {} bits, found {}", need, bits, s.st_size));
  return fd;
}

/// Reads need bytes and clears the bits past the end.
Result<void> fill(int fd, const std::filesystem::path& file, std::span<std::uint64_t> words, std::uint64_t bits) {
  auto* at = reinterpret_cast<char*>(words.data());
  for (std::uint64_t left = (bits + 7) / 8; left > 0;) {
    const ssize_t n = ::read(fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bad(file, "ended early");
    at += n;
    left -= static_cast<std::uint64_t>(n);
  }
  if (bits % 64 != 0) words.back() &= (std::uint64_t{1} << (bits % 64)) - 1;
  return {};
}

}  // namespace

Result<secret::PublicBits> read_bits(const std::filesystem::path& file, std::uint64_t bits) {
  auto fd = open_for_bits(file, bits);
  if (!fd) return std::move(fd).error();
  secret::PublicBits out(static_cast<std::size_t>(bits));
  if (auto r = fill(fd->get(), file, out.words(), bits); !r) return std::move(r).error();
  return out;
}

Result<secret::BitString> read_secret_bits(const std::filesystem::path& file, std::uint64_t bits) {
  auto fd = open_for_bits(file, bits);
  if (!fd) return std::move(fd).error();
  secret::BitString out(static_cast<std::size_t>(bits));
  auto r = out.with_write([&](std::span<std::uint64_t> w) { return fill(fd->get(), file, w, bits); });
  if (!r) return std::move(r).error();
  return out;
}

Result<void> write_bits(const std::filesystem::path& file, std::span<const std::uint64_t> words, std::uint64_t bits) {
  Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return Error{Code::io, fmt::format("{}: {}", file.string(), std::strerror(errno)), "", errno, {}};
  const auto* at = reinterpret_cast<const char*>(words.data());
  for (std::uint64_t left = (bits + 7) / 8; left > 0;) {
    const ssize_t n = ::write(fd.get(), at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Code::io, fmt::format("{}: {}", file.string(), std::strerror(errno)), "", errno, {}};
    at += n;
    left -= static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& file) {
  Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return bad(file, std::strerror(errno));
  std::vector<std::uint8_t> out;
  std::uint8_t chunk[65536];
  while (true) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return bad(file, std::strerror(errno));
    if (n == 0) return out;
    out.insert(out.end(), chunk, chunk + n);
  }
}

}  // namespace nicol::app
