// SPDX-License-Identifier: Apache-2.0
// nicol otp: a file under pool bits of one direction, each bit once.
#include <fmt/format.h>

#include "controller/app/commands.hpp"
#include "controller/app/otp/otp.hpp"

namespace nicol::app {

Exit otp(const OtpOptions& options, Context& context) {
  auto config = service::load_config(options.config);
  if (!config) return complain(config.error());
  auto store = open_store(options.config, {});
  if (!store) return complain(store.error());
  OtpPolicy policy;
  policy.fault = context.hooks.fault;
  if (config->publish == service::PublishPolicy::any_origin) policy.non_production = NonProduction::allow;
  const auto act = options.action == "encrypt" ? otp_encrypt : otp_decrypt;
  const auto done = act(**store, config->role, options.input, options.output, policy);
  if (!done) return complain(done.error());
  fmt::print("{} bytes, pool {} bits {}..{} ({})\n", done->message_bytes, keystore::to_string(done->pool),
             done->interval.begin, done->interval.end, distillation::to_string(done->origin));
  return Exit::done;
}

}  // namespace nicol::app
