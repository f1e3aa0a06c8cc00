// SPDX-License-Identifier: Apache-2.0
#include "controller/app/sent_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nicol::app {
namespace {

Error bad(const std::filesystem::path& path, const std::string& what) {
  return {Code::bad_input, fmt::format("{}: {}", path.string(), what), "", errno, {}};
}

}  // namespace

Result<SentFile> SentFile::open(const std::filesystem::path& path) {
  service::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return bad(path, std::strerror(errno));
  struct stat s {};
  if (fstat(file.get(), &s) != 0 || !S_ISREG(s.st_mode)) return bad(path, "expected a plain file, two bits a slot");
  if (s.st_size == 0) return bad(path, "byte 0: expected two bits a slot, and the file is empty");
  return SentFile(path, std::move(file), static_cast<std::uint64_t>(s.st_size));
}

Result<SentFile::Sent> SentFile::at(std::uint64_t slot) {
  const std::uint64_t byte = slot / 4;
  if (byte < first_ || byte >= first_ + held_)
    if (auto fetched = fetch(byte); !fetched) return std::move(fetched).error();
  const std::uint64_t bit = 8 * (byte - first_) + 2 * (slot % 4);
  return buffer_.with_read([bit](std::span<const std::uint64_t> words) {
    const std::uint64_t both = words[bit / 64] >> (bit % 64);
    return Sent{(both & 1) != 0, (both & 2) != 0};
  });
}

Result<void> SentFile::fetch(std::uint64_t byte) {
  first_ = byte;
  held_ = 0;
  const ssize_t n = buffer_.with_write([&](std::span<std::uint64_t> words) {
    if (words.empty()) return ssize_t{-1};
    ssize_t got = -1;
    do got = ::pread(file_.get(), words.data(), words.size_bytes(), static_cast<off_t>(byte));
    while (got < 0 && errno == EINTR);
    return got;
  });
  if (n <= 0) return bad(path_, fmt::format("byte {}: {}", byte, n < 0 ? std::strerror(errno) : "the file ends"));
  held_ = static_cast<std::uint64_t>(n);
  return {};
}

}  // namespace nicol::app
