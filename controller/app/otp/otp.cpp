// SPDX-License-Identifier: Apache-2.0
// One-time-pad encryption of files, a piece of locked memory at a time.
#include "controller/app/otp/otp.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "controller/app/otp/otp_file.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::app {
namespace {

using detail::OtpHeader;
using detail::OtpInput;
using detail::OtpOutput;
using keystore::Interval;
using keystore::KeyStore;
using keystore::Pool;
using secret::LockedKey;
using session::RunningHash;
using sifting::Side;

constexpr std::uint64_t kPieceBytes = 32 * 1024;
constexpr unsigned kTagBits = 128;

constexpr Pool sending_pool(Side side) { return side == Side::alice ? Pool::otp_ab : Pool::otp_ba; }
constexpr Pool receiving_pool(Side side) { return side == Side::alice ? Pool::otp_ba : Pool::otp_ab; }

Result<void> check_origin(const KeyStore& store, const OtpPolicy& policy) {
  if (store.pool_class() == keystore::Origin::production || policy.non_production == NonProduction::allow) return {};
  return Error{
      .code = Code::refused,
      .message = fmt::format("these pads are {}, no secret: set allow_non_production = true to use them anyway",
                             distillation::to_string(store.pool_class()))};
}

std::span<std::uint8_t> octets(std::span<std::byte> s) { return {reinterpret_cast<std::uint8_t*>(s.data()), s.size()}; }

// Key and pad of the tag: the first 256 bits of the interval.
struct TagKeys {
  RunningHash hash;
  LockedKey pad;
};
Result<TagKeys> take_tag_keys(KeyStore& store, const OtpHeader& header) {
  auto keys = store.take_pad(header.pool, {header.first_bit, header.first_bit + kOtpTagBits});
  if (!keys) return std::move(keys).error();
  const LockedKey alpha = keys->take_front(16);
  return TagKeys{.hash = RunningHash(alpha), .pad = std::move(keys).value()};
}

// The message, piece by piece in locked memory: f(piece, its first byte). Stops at the first failure.
template <class F>
Result<void> for_each_piece(std::uint64_t message_bytes, LockedKey& memory, F&& f) {
  for (std::uint64_t done = 0; done < message_bytes;) {
    const std::uint64_t size = std::min(kPieceBytes, message_bytes - done);
    auto outcome = memory.with_write([&](std::span<std::byte> m) -> Result<void> { return f(m.first(size), done); });
    if (!outcome) return outcome;
    done += size;
  }
  return {};
}

Result<void> xor_with_pad(KeyStore& store, const OtpHeader& header, std::span<std::byte> piece, std::uint64_t offset) {
  const std::uint64_t begin = header.first_bit + kOtpTagBits + 8 * offset;
  auto pad = store.take_pad(header.pool, {begin, begin + 8 * piece.size()});
  if (!pad) return std::move(pad).error();
  pad->with_read([&](std::span<const std::byte> bits) {
    std::ranges::transform(piece, bits, piece.begin(), [](std::byte a, std::byte b) { return a ^ b; });
  });
  return {};
}

Result<void> check_end(const OtpInput& input) {
  std::byte more;
  if (::read(input.file.get(), &more, 1) == 0) return {};
  return Error{.code = Code::bad_input, .message = fmt::format("{} grew while it was read", input.path.string())};
}

Result<void> encrypt_pieces(KeyStore& store, const OtpHeader& header, const OtpInput& input, OtpOutput& output,
                            RunningHash& hash, LockedKey& memory, const OtpPolicy& policy) {
  return for_each_piece(header.message_bytes, memory, [&](std::span<std::byte> piece, std::uint64_t at) {
    if (auto read = detail::read_exactly(input, piece); !read) return read;
    if (auto done = xor_with_pad(store, header, piece, at); !done) return done;
    hash.append(octets(piece));
    detail::at(policy.fault, "otp.piece");
    return output.write(octets(piece));
  });
}

Result<void> decrypt_pieces(KeyStore& store, const OtpHeader& header, const OtpInput& input, OtpOutput& output,
                            RunningHash& hash, LockedKey& memory, const OtpPolicy& policy) {
  return for_each_piece(header.message_bytes, memory, [&](std::span<std::byte> piece, std::uint64_t at) {
    if (auto read = detail::read_exactly(input, piece); !read) return read;
    hash.append(octets(piece));
    if (auto done = xor_with_pad(store, header, piece, at); !done) return done;
    detail::at(policy.fault, "otp.piece");
    return output.write(octets(piece));
  });
}

Result<void> hash_pieces(const OtpHeader& header, const OtpInput& input, RunningHash& hash, LockedKey& memory) {
  return for_each_piece(header.message_bytes, memory, [&](std::span<std::byte> piece, std::uint64_t) {
    if (auto read = detail::read_exactly(input, piece); !read) return read;
    hash.append(octets(piece));
    return Result<void>();
  });
}

OtpReport report(const OtpHeader& header) {
  return {.pool = header.pool,
          .interval = header.interval(),
          .message_bytes = header.message_bytes,
          .origin = header.origin};
}

Error tampered(const std::filesystem::path& path) {
  return {.code = Code::authentication,
          .message = fmt::format("{} is not what the sender wrote: its tag does not verify; its bits are spent and "
                                 "nothing was decrypted",
                                 path.string())};
}

// Who may open this file, by what is on its face; nothing is spent here.
Result<void> check_face(const KeyStore& store, Side side, const OtpHeader& header, const std::filesystem::path& path) {
  const auto refused = [&](std::string why) {
    return Error{.code = Code::refused, .message = fmt::format("{}: {}; no bits were spent", path.string(), why)};
  };
  if (header.fingerprint != store.preshared_fingerprint())
    return refused("it was made under another pre-shared key than this node's");
  if (header.pool == sending_pool(side)) return refused("wrong direction: this node made it, only the peer opens it");
  if (header.pool != receiving_pool(side)) return refused("its bits are of no one-time-pad pool");
  if (header.origin != store.pool_class())
    return refused(fmt::format("its pads are {}, this node's {}", distillation::to_string(header.origin),
                               distillation::to_string(store.pool_class())));
  return {};
}

// Two passes: the tag is verified over all of it before a byte of plaintext is written, and again over the bytes that
// were decrypted, in case the file changed in between.
Result<void> verify_and_decrypt(KeyStore& store, const OtpHeader& header, const OtpInput& input,
                                const std::filesystem::path& output_path, const OtpPolicy& policy) {
  auto memory = LockedKey::create(kPieceBytes);
  if (!memory) return std::move(memory).error();
  auto keys = store.take_pad(header.pool, {header.first_bit, header.first_bit + kOtpTagBits});
  if (!keys) return std::move(keys).error();
  const LockedKey alpha = keys->take_front(16);
  std::array<std::uint8_t, detail::kOtpTagBytes> tag{};

  RunningHash first(alpha);
  first.append(header.encode());
  if (auto done = hash_pieces(header, input, first, *memory); !done) return done;
  if (auto read = detail::read_exactly(input, std::as_writable_bytes(std::span(tag))); !read) return read;
  if (!first.verify(tag, *keys, kTagBits)) return tampered(input.path);

  auto output = OtpOutput::create(output_path);
  if (!output) return std::move(output).error();
  if (::lseek(input.file.get(), detail::kOtpHeaderBytes, SEEK_SET) < 0)
    return keystore::file_error("cannot rewind", input.path);
  RunningHash second(alpha);
  second.append(header.encode());
  if (auto done = decrypt_pieces(store, header, input, *output, second, *memory, policy); !done) return done;
  if (!second.verify(tag, *keys, kTagBits)) return tampered(input.path);
  return std::move(*output).commit(policy.fault);
}

}  // namespace

Result<OtpReport> otp_encrypt(KeyStore& store, Side side, const std::filesystem::path& input_path,
                              const std::filesystem::path& output_path, const OtpPolicy& policy) {
  if (auto good = check_origin(store, policy); !good) return std::move(good).error();
  auto input = detail::open_input(input_path);
  if (!input) return std::move(input).error();
  auto output = OtpOutput::create(output_path);
  if (!output) return std::move(output).error();
  auto memory = LockedKey::create(kPieceBytes);
  if (!memory) return std::move(memory).error();

  auto interval = store.reserve(sending_pool(side), kOtpTagBits + 8 * input->bytes);
  if (!interval) return std::move(interval).error();
  detail::at(policy.fault, "otp.reserved");
  const OtpHeader header{.pool = sending_pool(side),
                         .origin = store.pool_class(),
                         .fingerprint = store.preshared_fingerprint(),
                         .first_bit = interval->begin,
                         .message_bytes = input->bytes};
  auto keys = take_tag_keys(store, header);
  if (!keys) return std::move(keys).error();
  const keystore::Bytes face = header.encode();
  keys->hash.append(face);
  auto done = output->write(face);
  if (done) done = encrypt_pieces(store, header, *input, *output, keys->hash, *memory, policy);
  if (done) done = check_end(*input);
  if (done) done = output->write(keys->hash.tag(keys->pad, kTagBits));
  if (done) done = std::move(*output).commit(policy.fault);
  if (!done) return std::move(done).error();
  return report(header);
}

Result<OtpReport> otp_decrypt(KeyStore& store, Side side, const std::filesystem::path& input_path,
                              const std::filesystem::path& output_path, const OtpPolicy& policy) {
  if (auto good = check_origin(store, policy); !good) return std::move(good).error();
  auto input = detail::open_input(input_path);
  if (!input) return std::move(input).error();
  auto header = detail::read_header(*input);
  if (!header) return std::move(header).error();
  if (auto good = check_face(store, side, *header, input_path); !good) return std::move(good).error();
  if (auto reserved = store.reserve_otp_at(header->pool, header->interval()); !reserved)
    return std::move(reserved).error();
  detail::at(policy.fault, "otp.reserved");
  if (auto done = verify_and_decrypt(store, *header, *input, output_path, policy); !done)
    return std::move(done).error();
  return report(*header);
}

}  // namespace nicol::app
