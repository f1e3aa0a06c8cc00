// SPDX-License-Identifier: Apache-2.0
#include "controller/app/sifted_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <string>

#include "controller/service/tcp.hpp"

namespace nicol::app {
namespace {

std::string lines_of(const std::vector<std::int64_t>& places) {
  std::string text;
  for (const std::int64_t place : places) fmt::format_to(std::back_inserter(text), "{}\n", place);
  return text;
}

/// 0600, and nothing is replaced.
Result<void> write_new(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  const service::Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd)
    return Error{errno == EEXIST ? Code::bad_input : Code::io,
                 fmt::format("{}: {}", file.string(), std::strerror(errno)),
                 "",
                 errno,
                 {}};
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Code::io, fmt::format("{}: {}", file.string(), std::strerror(errno)), "", errno, {}};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<SiftedFiles> SiftedFiles::in(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && (errno != EEXIST || !std::filesystem::is_directory(folder)))
    return Error{Code::bad_input, fmt::format("--sifted {}: {}", folder.string(), std::strerror(errno)), "", errno, {}};
  return SiftedFiles(folder);
}

void SiftedFiles::take(const service::ReplayedBits& bits) {
  if (trouble_) return;
  const std::string name = fmt::format("{}-{}", bits.side == sifting::Side::alice ? "alice" : "bob", bits.index);
  const auto file = folder_ / (name + ".bits");
  Result<void> done = bits.bits.with_read([&](std::span<const std::uint64_t> words) {
    return write_new(file, std::as_bytes(words).first((bits.bits.size() + 7) / 8));
  });
  const std::string places = lines_of(bits.places);
  if (done) done = write_new(folder_ / (name + ".places"), std::as_bytes(std::span(places)));
  if (!done)
    trouble_ = done.error();
  else
    written_.push_back({bits.index, bits.bits.size(), file});
}

}  // namespace nicol::app
