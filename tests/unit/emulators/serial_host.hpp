// SPDX-License-Identifier: Apache-2.0
// A host program's side of a serial port, through libserialport and nothing of ours.
#pragma once

#include <libserialport.h>

#include <string>
#include <vector>

namespace nicol::test {

/// Opens at once; status() says how that went.
class SerialHost {
 public:
  explicit SerialHost(const std::string& port) {
    status_ = sp_get_port_by_name(port.c_str(), &port_);
    if (status_ != SP_OK) return;
    status_ = sp_open(port_, SP_MODE_READ_WRITE);
    open_ = status_ == SP_OK;
  }
  ~SerialHost() {
    if (open_) sp_close(port_);
    if (port_ != nullptr) sp_free_port(port_);
  }
  SerialHost(const SerialHost&) = delete;
  SerialHost& operator=(const SerialHost&) = delete;

  sp_return status() const { return status_; }
  sp_port* raw() const { return port_; }
  int descriptor() const {
    int fd = -1;
    sp_get_port_handle(port_, &fd);
    return fd;
  }
  sp_return write(const std::string& text) const { return sp_blocking_write(port_, text.data(), text.size(), 1000); }
  /// So many bytes, or what came in that time.
  std::string read(std::size_t size, unsigned milliseconds = 1000) const {
    std::string text(size, '\0');
    const int n = sp_blocking_read(port_, text.data(), size, milliseconds);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
  std::string exchange(const std::string& text) const {
    write(text);
    return read(text.size());
  }

 private:
  sp_port* port_ = nullptr;
  sp_return status_ = SP_OK;
  bool open_ = false;
};

inline std::vector<std::string> listed_ports() {
  std::vector<std::string> names;
  sp_port** ports = nullptr;
  if (sp_list_ports(&ports) != SP_OK) return names;
  for (sp_port** port = ports; *port != nullptr; ++port) names.emplace_back(sp_get_port_name(*port));
  sp_free_port_list(ports);
  return names;
}

}  // namespace nicol::test
