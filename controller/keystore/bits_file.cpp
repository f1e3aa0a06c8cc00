// SPDX-License-Identifier: Apache-2.0
// Sealed bits: layout of the chunks, reading a few bits out of many.
#include "controller/keystore/bits_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "drivers/hal/random.hpp"

namespace nicol::keystore {
namespace {

constexpr std::uint32_t kMagic = 0x4243494e;  // "NICB"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 4 + 1 + 16 + 16 + 8 * kSections;
constexpr std::size_t kChunkBytes = kChunkBits / 8;

template <class A, class H>
void visit(A& a, H& header) {
  a(header.owner, header.nonce, header.bits);
}

std::size_t chunk_bytes(std::uint64_t section_bits, std::uint64_t chunk) {
  const std::uint64_t left = (section_bits + 7) / 8 - chunk * kChunkBytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes));
}

std::uint64_t sealed_section(std::uint64_t bits) { return (bits + 7) / 8 + chunks_in(bits) * kSealOverhead; }

std::uint64_t offset_of(const BitsHeader& header, std::size_t section, std::uint64_t chunk) {
  std::uint64_t at = kHeaderBytes;
  for (std::size_t s = 0; s < section; ++s) at += sealed_section(header.bits[s]);
  return at + chunk * (kChunkBytes + kSealOverhead);
}

Nonce nonce_of(const BitsHeader& header, std::size_t section, std::uint64_t chunk) {
  Nonce nonce{};
  std::ranges::copy(header.nonce, nonce.begin());
  for (unsigned i = 0; i < 7; ++i) nonce[16 + i] = static_cast<std::uint8_t>(chunk >> (8 * i));
  nonce[23] = static_cast<std::uint8_t>(section);
  return nonce;
}

Error unreadable(const std::filesystem::path& path, std::string_view what) {
  return {.code = Code::checksum,
          .message = fmt::format("{} {}: it was damaged or does not belong here; it is not repaired, its bits are lost",
                                 path.string(), what)};
}

}  // namespace

std::uint64_t chunks_in(std::uint64_t section_bits) { return (section_bits + kChunkBits - 1) / kChunkBits; }

Bytes BitsHeader::encode() const {
  Writer w;
  w(kMagic, kVersion);
  visit(w, *this);
  return std::move(w).take();
}

Result<Bytes> seal_bits(const Sealer& sealer, const BitsHeader& header, const BitSource& source) {
  auto page = secret::LockedKey::create(kChunkBytes);
  if (!page) return std::move(page).error();
  const Bytes head = header.encode();
  Bytes file = head;
  std::uint64_t section_begin = 0;
  for (std::size_t s = 0; s < kSections; section_begin += header.bits[s++])
    for (std::uint64_t c = 0; c < chunks_in(header.bits[s]); ++c) {
      const std::uint64_t first = c * kChunkBits, count = std::min(kChunkBits, header.bits[s] - first);
      page->with_write([&](std::span<std::byte> plain) {
        std::ranges::fill(plain, std::byte{0});
        source(section_begin + first, count, plain);
        const Bytes sealed = sealer.seal(plain.first(chunk_bytes(header.bits[s], c)), nonce_of(header, s, c), head);
        file.insert(file.end(), sealed.begin(), sealed.end());
      });
    }
  return file;
}

Result<BitsFile> BitsFile::open(const Folder& folder, const std::string& name,
                                const std::array<std::uint8_t, 16>& owner, const SectionBits& sections) {
  const std::filesystem::path path = folder.path() / name;
  auto file = folder.open_file(name, O_RDWR);
  if (!file) return std::move(file).error();
  Bytes head(kHeaderBytes);
  if (::pread(file->get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    return unreadable(path, "is too short");
  Reader r(head);
  std::uint32_t magic = 0;
  std::uint8_t version = 0;
  BitsHeader header;
  r(magic, version);
  visit(r, header);
  if (!r.complete() || magic != kMagic || version == 0) return unreadable(path, "is not a file of key bits");
  if (version > kVersion)
    return Error{.code = Code::not_supported,
                 .message = fmt::format("{} has format {}, this Nicol reads {}", path.string(), version, kVersion)};
  if (header.owner != owner || header.bits != sections) return unreadable(path, "is the file of another key");
  return BitsFile(std::move(file).value(), std::move(header), path);
}

Result<void> BitsFile::read_chunk(const Sealer& sealer, std::size_t section, std::uint64_t chunk,
                                  std::span<std::byte> plain) const {
  Bytes sealed(plain.size() + kSealOverhead);
  const auto at = static_cast<off_t>(offset_of(header_, section, chunk));
  if (::pread(file_.get(), sealed.data(), sealed.size(), at) != static_cast<ssize_t>(sealed.size()))
    return unreadable(path_, "is too short");
  if (!sealer.open(sealed, nonce_of(header_, section, chunk), header_.encode(), plain))
    return unreadable(path_, "does not open under the store's key");
  return {};
}

Result<void> BitsFile::read(const Sealer& sealer, std::size_t section, std::uint64_t first, std::uint64_t count,
                            std::span<std::byte> out, std::uint64_t to_bit) const {
  auto page = secret::LockedKey::create(kChunkBytes);
  if (!page) return std::move(page).error();
  while (count > 0) {
    const std::uint64_t chunk = first / kChunkBits, skip = first % kChunkBits;
    const std::uint64_t part = std::min(count, kChunkBits - skip);
    auto done = page->with_write([&](std::span<std::byte> memory) -> Result<void> {
      const auto plain = memory.first(chunk_bytes(header_.bits[section], chunk));
      if (auto opened = read_chunk(sealer, section, chunk, plain); !opened) return opened;
      copy_bits(plain, skip, out, to_bit, part);
      return {};
    });
    if (!done) return done;
    first += part;
    to_bit += part;
    count -= part;
  }
  return {};
}

void BitsFile::erase_chunk(std::size_t section, std::uint64_t chunk) const noexcept {
  static constexpr std::array<std::uint8_t, kChunkBytes + kSealOverhead> kZeros{};
  const std::size_t size = chunk_bytes(header_.bits[section], chunk) + kSealOverhead;
  const ssize_t written =
      ::pwrite(file_.get(), kZeros.data(), size, static_cast<off_t>(offset_of(header_, section, chunk)));
  static_cast<void>(written);  // best effort: the marks, not this, keep the bits from being used again
}

}  // namespace nicol::keystore
