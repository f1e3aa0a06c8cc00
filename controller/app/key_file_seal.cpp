// SPDX-License-Identifier: Apache-2.0
#include "controller/app/key_file_seal.hpp"

#include "controller/keystore/sealed_stream.hpp"

namespace nicol::app {
namespace {

class KeyFileSeal final : public tagger_bridge::Seal {
 public:
  explicit KeyFileSeal(keystore::SealedStream stream) : stream_(std::move(stream)) {}
  std::vector<std::uint8_t> greeting() override { return stream_.greeting(); }
  Result<void> open(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& plain) override {
    return stream_.open(bytes, plain);
  }
  bool ready() const override { return stream_.ready(); }
  Result<std::vector<std::uint8_t>> seal(std::span<const std::uint8_t> plain) override { return stream_.seal(plain); }

 private:
  keystore::SealedStream stream_;
};

}  // namespace

Result<std::unique_ptr<tagger_bridge::Seal>> key_file_seal(const std::string& file, tagger_bridge::SealSide side) {
  const bool driver = side == tagger_bridge::SealSide::driver;
  auto stream =
      keystore::SealedStream::open(file, driver ? keystore::StreamSide::caller : keystore::StreamSide::listener);
  if (!stream) return std::move(stream).error();
  return std::unique_ptr<tagger_bridge::Seal>(std::make_unique<KeyFileSeal>(*std::move(stream)));
}

}  // namespace nicol::app
