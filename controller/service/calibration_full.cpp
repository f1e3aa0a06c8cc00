// SPDX-License-Identifier: Apache-2.0
#include "controller/service/calibration_full.hpp"

#include <fmt/format.h>

#include <charconv>

#include "controller/keystore/files.hpp"

namespace nicol::service {
namespace {

constexpr const char* kNote = "full.begun";
constexpr std::int64_t kDay = 86'400;

/// Whoever could write the note could have routines left out.
std::string note(const keystore::KeyStore& store, std::int64_t when) {
  const std::string text = fmt::format("nicol.calibration-full {}", when);
  std::string seal;
  for (const std::uint8_t b : store.record_seal({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}))
    seal += fmt::format("{:02x}", b);
  return fmt::format("{} {}\n", when, seal);
}

}  // namespace

Result<void> full_begins(const std::filesystem::path& state, const keystore::KeyStore& store, std::int64_t now) {
  auto folder = keystore::Folder::open(state / "calibrations", {});
  if (!folder) return std::move(folder).error();
  const std::string text = note(store, now);
  return folder->replace(kNote, "calibration", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void full_ended(const std::filesystem::path& state) {
  std::error_code ignored;
  std::filesystem::remove(state / "calibrations" / kNote, ignored);
}

std::optional<std::int64_t> interrupted_full(const std::filesystem::path& state, const keystore::KeyStore& store,
                                             std::int64_t now) {
  if (!std::filesystem::exists(state / "calibrations" / kNote)) return std::nullopt;
  const auto folder = keystore::Folder::open(state / "calibrations", {});
  if (!folder) return std::nullopt;
  const auto bytes = folder->read(kNote, 256);
  if (!bytes) return std::nullopt;
  const std::string text(bytes->begin(), bytes->end());
  std::int64_t when = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), when).ec != std::errc()) return std::nullopt;
  if (text != note(store, when) || when > now || now - when > kDay) return std::nullopt;
  return when;
}

}  // namespace nicol::service
