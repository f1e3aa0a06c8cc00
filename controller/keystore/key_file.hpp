// SPDX-License-Identifier: Apache-2.0
// One key's public side on disk: its state, its record, how it was cut and where its pool parts lie. Rewriting this
// file is the one moment at which a key changes state; pools are read off these files, so no second file must agree.
#pragma once

#include <array>
#include <string>

#include "controller/keystore/bits_file.hpp"
#include "controller/keystore/files.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {

/// begins: absolute pool coordinates of the four parts, set when the key becomes AVAILABLE.
struct KeyFile {
  KeyState state = KeyState::pending;
  Split split;
  std::array<std::uint64_t, 4> begins{};
  KeyStore::Settlement settlement;
  KeyRecord record;
};

std::string record_name(const KeyId& id);
std::string bits_name(const KeyId& id);
SectionBits sections_of(const Split& split);

/// Boundaries: WHAT.write, .written, .fsync, .rename, .dirsync.
Result<void> write_key_file(const Folder& folder, const Sealer& sealer, const KeyFile& key, std::string_view what);
Result<KeyFile> read_key_file(const Folder& folder, const Sealer& sealer, const std::string& name);

}  // namespace nicol::keystore
