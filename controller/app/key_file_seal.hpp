// SPDX-License-Identifier: Apache-2.0
// The tagger bridge's seal over the key store's sealed stream: drivers know no cryptography, so it is handed to them.
#pragma once

#include "drivers/tagger-bridge/stream.hpp"

namespace nicol::app {

/// A tagger_bridge::SealFactory. access_denied or bad_input when the file is no key file (32 bytes, mode 0600).
Result<std::unique_ptr<tagger_bridge::Seal>> key_file_seal(const std::string& file, tagger_bridge::SealSide side);

}  // namespace nicol::app
