// SPDX-License-Identifier: Apache-2.0
// MPC320: three paddles that twist a fibre, as a polarization controller in degrees.
#pragma once

#include <mutex>

#include "drivers/apt/face.hpp"
#include "drivers/hal/motion.hpp"

namespace nicol::apt {

class Paddles final : public Face<hal::PolarizationController> {
 public:
  static Result<std::unique_ptr<hal::Device>> make(std::unique_ptr<Controller> controller);
  ~Paddles() override { release(); }

  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  void safe_state() noexcept override;

  std::size_t channels() const noexcept override { return controller().channels(); }
  hal::Range range(std::size_t channel) const override;
  std::string_view units() const noexcept override { return "deg"; }
  Result<hal::Motion> set(std::size_t channel, double value) override;
  Result<double> get(std::size_t channel) override;

 private:
  explicit Paddles(std::unique_ptr<Controller> controller);
  Result<PaddleParams> params();
  Result<void> apply(std::int64_t percent);
  Result<void> check_channel(std::size_t channel) const;

  const std::vector<hal::ArgInfo> properties_;
  std::mutex mutex_;  // guards percent_ and its way to the device
  std::int64_t percent_ = 100;
};

}  // namespace nicol::apt
