// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/private_buffer.hpp"

#include <fmt/format.h>
#include <string.h>  // explicit_bzero
#include <sys/mman.h>

#include <cerrno>

namespace nicol::transport {

Result<PrivateBuffer> PrivateBuffer::create(std::size_t bytes) {
  if (bytes == 0) return PrivateBuffer({});
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Error{Code::locked_memory, fmt::format("no memory for a private buffer of {} bytes", bytes), "", errno, {}};
  PrivateBuffer buffer({static_cast<std::uint8_t*>(memory), bytes});
  if (mlock(memory, bytes) != 0)
    return Error{Code::locked_memory,
                 fmt::format("cannot lock {} bytes for what comes off a cable: raise the limit (ulimit -l, "
                             "LimitMEMLOCK= of the service)",
                             bytes),
                 "",
                 errno,
                 {}};
  madvise(memory, bytes, MADV_DONTDUMP);
  madvise(memory, bytes, MADV_WIPEONFORK);
  return buffer;
}

PrivateBuffer::~PrivateBuffer() {
  if (data_.empty()) return;
  wipe();
  munmap(data_.data(), data_.size());
}

void PrivateBuffer::wipe() noexcept { transport::wipe(data_); }

}  // namespace nicol::transport
