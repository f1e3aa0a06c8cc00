// SPDX-License-Identifier: Apache-2.0
// The container's reader: any file, and any damage to one that is whole. Invariants: it ends; damage is never read as
// a whole recording.
#include <cstdlib>
#include <iterator>

#include "tests/fuzz/recording_file.hpp"

namespace {

using namespace nicol;

/// {position u16, bits u8, rest}: the rest sealed as entries, then one byte of the file changed.
void damage(const fuzz::RecordingFile& file, std::span<const std::uint8_t> data) {
  {
    auto writer = file.begin();
    fuzz::put_entries(*writer, data.subspan(3));
    writer->finish();
  }
  std::ifstream in(file.path(), std::ios::binary);
  std::vector<std::uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
  const std::size_t at = static_cast<std::size_t>(recording::get_le(data.first(2))) % bytes.size();
  bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ data[2]);
  file.write(bytes);
  const auto whole = recording::survey(file.path(), fuzz::RecordingFile::secret());
  if (data[2] != 0 && whole && !*whole) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const fuzz::RecordingFile file;
  const std::span<const std::uint8_t> data(bytes, size);
  file.write(data);
  (void)recording::survey(file.path(), fuzz::RecordingFile::secret());
  if (size >= 3) damage(file, data);
  return 0;
}
