// SPDX-License-Identifier: Apache-2.0
// Any bytes as a call of this node's rig, or as an answer to one: refused, or read and written again the same.
#include <algorithm>
#include <cstdlib>

#include "controller/service/rig_call.hpp"

namespace {

template <class T>
void check(const nicol::Result<T>& read, std::span<const std::uint8_t> bytes) {
  if (!read) return;
  const auto again = nicol::service::encode(*read);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  if (const auto call = nicol::service::decode_rig_call(bytes)) check(call, bytes);
  (void)nicol::service::decode_rig_answer(bytes);  // texts are cleaned while they are read
  return 0;
}
