// SPDX-License-Identifier: Apache-2.0
// File input and output around the readevents codec.
#include "drivers/files/readevents_file.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace nicol::files {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

Error file_error(const std::filesystem::path& path, int error) {
  const Code code = error == ENOENT ? Code::not_found : error == EACCES ? Code::access_denied : Code::io;
  return {code, fmt::format("{}: {}", path.string(), std::strerror(error)), {}, error};
}

Result<FileHandle> opened(const std::filesystem::path& path, const char* mode) {
  FileHandle file(std::fopen(path.c_str(), mode));
  if (!file) return file_error(path, errno);
  return file;
}

Result<std::uint64_t> copy_words(ReadeventsReader& reader, std::FILE* out, ReadeventsForm form,
                                 const std::filesystem::path& path) {
  ReadeventsEncoder encoder(form);
  std::uint64_t words = 0;
  for (;;) {
    const auto events = reader.next();
    if (!events) return events.error();
    if (events->empty()) break;
    words += events->size();
    const auto bytes = encoder.encode(*events);
    if (std::fwrite(bytes.data(), 1, bytes.size(), out) != bytes.size()) return file_error(path, errno);
  }
  if (std::fflush(out) != 0) return file_error(path, errno);
  return words;
}

}  // namespace

ReadeventsReader::ReadeventsReader(std::filesystem::path path, FileHandle file, ReadeventsForm form)
    : path_(std::move(path)), file_(std::move(file)), decoder_(form), buffer_(kPiece) {}

Result<ReadeventsReader> ReadeventsReader::open(const std::filesystem::path& path, ReadeventsForm form) {
  Result<FileHandle> file = opened(path, "rb");
  if (!file) return std::move(file).error();
  return ReadeventsReader(path, std::move(*file), form);
}

Result<std::span<const EventWord>> ReadeventsReader::located(Result<std::span<const EventWord>> result) const {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = path_.string() + ": " + error.message;
  return error;
}

Result<std::span<const EventWord>> ReadeventsReader::next() {
  while (!ended_) {
    const std::size_t got = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    if (got == 0 && std::ferror(file_.get()) != 0) return file_error(path_, errno);
    ended_ = got == 0;
    auto events = located(ended_ ? decoder_.finish() : decoder_.decode(std::span(buffer_).first(got)));
    if (!events || !events->empty()) return events;
  }
  return std::span<const EventWord>{};
}

Result<std::uint64_t> convert_readevents(const std::filesystem::path& from, ReadeventsForm from_form,
                                         const std::filesystem::path& to, ReadeventsForm to_form) {
  Result<ReadeventsReader> reader = ReadeventsReader::open(from, from_form);
  if (!reader) return std::move(reader).error();
  std::filesystem::path partial = to;
  partial += ".partial";
  Result<FileHandle> out = opened(partial, "wb");
  if (!out) return std::move(out).error();
  Result<std::uint64_t> words = copy_words(*reader, out->get(), to_form, partial);
  out->reset();
  std::error_code failure;
  if (words) std::filesystem::rename(partial, to, failure);
  if (words && !failure) return words;
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  if (!words) return words;
  return Error{Code::io, fmt::format("{}: {}", to.string(), failure.message()), {}, failure.value()};
}

}  // namespace nicol::files
