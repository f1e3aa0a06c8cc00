// SPDX-License-Identifier: Apache-2.0
// nicol keylength: many cases in, many out, every intermediate by the names of SECURITY-FORMULAS 1.9.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "controller/app/commands.hpp"
#include "controller/distillation/keylength.hpp"

namespace nicol::app {
namespace {

using nlohmann::json;
using namespace distillation;

/// Reads one case's inputs; the first bad one is remembered and named.
class Inputs {
 public:
  Inputs(const json& object, std::string where) : object_(object), where_(std::move(where)) {}
  double number(const std::string& key, std::optional<double> fallback = std::nullopt) {
    known_.insert(key);
    const auto it = object_.find(key);
    if (it == object_.end() || it->is_null()) {
      if (!fallback) fail(key, "a number");
      return fallback.value_or(0);
    }
    if (!it->is_number()) fail(key, "a number");
    return it->is_number() ? it->get<double>() : 0;
  }
  std::optional<double> optional(const std::string& key) {
    known_.insert(key);
    return object_.contains(key) && !object_[key].is_null() ? std::optional<double>(number(key)) : std::nullopt;
  }
  std::uint64_t count(const std::string& key) {
    const double v = number(key);
    if (!(v >= 0) || v != std::floor(v) || v > 9e15) fail(key, "a whole number, 0 or more");
    return v >= 0 && v <= 9e15 ? static_cast<std::uint64_t>(v) : 0;
  }
  bool flag(const std::string& key) {
    known_.insert(key);
    const auto it = object_.find(key);
    if (it != object_.end() && !it->is_boolean()) fail(key, "true or false");
    return it != object_.end() && it->is_boolean() && it->get<bool>();
  }
  Bound bound() {
    known_.insert("bound");
    const std::string name =
        object_.contains("bound") && object_["bound"].is_string() ? object_["bound"].get<std::string>() : "hypergeom";
    if (name == "kl") return Bound::kl;
    if (name == "serfling") return Bound::serfling;
    if (name != "hypergeom") fail("bound", "hypergeom, kl or serfling");
    return Bound::hypergeom;
  }
  void fail(const std::string& key, const std::string& expected) {
    if (!error_)
      error_ = Error{Code::bad_input, fmt::format("{}: inputs.{}: expected {}", where_, key, expected), "", 0, {}};
  }
  std::optional<Error> error() {
    for (const auto& [key, value] : object_.items())
      if (!known_.contains(key)) fail(key, fmt::format("one of {}", names()));
    return error_;
  }
  const std::string& where() const { return where_; }

 private:
  std::string names() const {
    std::string out;
    for (const auto& k : known_) out += (out.empty() ? "" : ", ") + k;
    return out;
  }
  const json& object_;
  std::string where_;
  std::set<std::string> known_;
  std::optional<Error> error_;
};

void put(json& out, const char* name, double v) {
  if (std::isfinite(v)) out[name] = v;
}

Result<json> named(Result<KeyLength> r) {
  if (!r) return std::move(r).error();
  json out{{"ell", r->ell}, {"bits", r->bits}, {"abort", r->abort}};
  put(out, "phase", r->phase);
  put(out, "gamma_serf", r->gamma_serf);
  put(out, "gamma1", r->gamma1);
  put(out, "gamma2", r->gamma2);
  put(out, "w_max", r->w_max);
  put(out, "mp_key", r->mp_key);
  put(out, "mp_test", r->mp_test);
  put(out, "n1", r->n1);
  put(out, "k1", r->k1);
  return out;
}

template <class T>
Result<json> value(Result<T> r) {
  if (!r) return std::move(r).error();
  return json{{"value", *r}};
}

Result<json> eval_sp(Inputs& in) {
  SpVariableInputs s;
  s.n = in.number("n"), s.k = in.number("k"), s.errors_k = in.number("errors_k"), s.leak_ec = in.number("leak_ec");
  s.eps_at = in.number("eps_at"), s.eps_pa = in.number("eps_pa"), s.eps_ev = in.number("eps_ev");
  s.bound = in.bound();
  s.delta1 = in.number("delta1", 0), s.delta2 = in.number("delta2", 0), s.slack = in.number("slack", 0);
  s.eps_atb = in.optional("eps_atb"), s.eps_atc = in.optional("eps_atc");
  if (auto e = in.error()) return *std::move(e);
  return named(sp_variable(s));
}

Result<json> eval_sps(Inputs& in) {
  SpsG2Inputs s;
  s.sent_key = in.number("sent_key"), s.sent_test = in.number("sent_test"), s.n = in.number("n"), s.k = in.number("k");
  s.errors_k = in.number("errors_k"), s.p_multi = in.number("p_multi"), s.leak_ec = in.number("leak_ec");
  s.eps_at = in.number("eps_at"), s.eps_pa = in.number("eps_pa"), s.eps_ev = in.number("eps_ev"),
  s.eps_mp = in.number("eps_mp");
  s.bound = in.bound();
  if (auto e = in.error()) return *std::move(e);
  return named(sps_g2(s));
}

Result<json> eval_hypergeom(Inputs& in) {
  const auto n = in.count("n"), k = in.count("k"), c = in.count("c");
  const double p = in.number("p_fail");
  if (auto e = in.error()) return *std::move(e);
  return value(hypergeom_key_errors(n, k, c, p));
}

Result<json> eval_kl(Inputs& in) {
  const double n = in.number("n"), k = in.number("k"), c = in.number("c"), p = in.number("p_fail");
  if (auto e = in.error()) return *std::move(e);
  return value(ekey_kl(n, k, c, p));
}

Result<json> eval_deltas(Inputs& in) {
  const double eta = in.number("delta_eta"), ddc = in.number("delta_dc"), dc = in.number("dc");
  const bool swap = in.flag("random_swap");
  if (auto e = in.error()) return *std::move(e);
  auto d = mismatch_deltas(eta, ddc, dc, swap);
  if (!d) return std::move(d).error();
  return json{{"delta1", d->delta1}, {"delta2", d->delta2}};
}

double fraction(Inputs& in, const char* key, std::optional<double> fallback = std::nullopt) {
  const double v = in.number(key, fallback);
  if (!(v >= 0 && v <= 1)) in.fail(key, "a number from 0 to 1");
  return v;
}

Result<json> eval_unnoticed(Inputs& in) {
  const double k = in.number("k"), f = fraction(in, "f", 1.0);
  if (!(k >= 0)) in.fail("k", "a number, 0 or more");
  if (auto e = in.error()) return *std::move(e);
  return json{{"value", subset_unnoticed(k, f)}};
}

Result<json> eval_subset_size(Inputs& in) {
  const double p = in.number("p"), f = fraction(in, "f", 1.0);
  if (auto e = in.error()) return *std::move(e);
  return value(subset_size(p, f));
}

Result<json> eval_intercept(Inputs& in) {
  const double f = fraction(in, "f"), e0 = fraction(in, "e0", 0.0);
  if (auto e = in.error()) return *std::move(e);
  return json{{"value", qber_intercept(f, e0)}};
}

Result<json> eval_accept(Inputs& in) {
  const auto k = in.count("k"), t = in.count("t");
  const double q = fraction(in, "q");
  if (auto e = in.error()) return *std::move(e);
  return json{{"value", accept_probability(k, t, q)}};
}

using Function = Result<json> (*)(Inputs&);
const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> table{{"sp_variable", eval_sp},
                                                     {"sps_g2", eval_sps},
                                                     {"hypergeom_key_errors", eval_hypergeom},
                                                     {"ekey_kl", eval_kl},
                                                     {"mismatch_deltas", eval_deltas},
                                                     {"subset_unnoticed", eval_unnoticed},
                                                     {"subset_size", eval_subset_size},
                                                     {"qber_intercept", eval_intercept},
                                                     {"accept_probability", eval_accept}};
  return table;
}

Result<json> evaluate(const json& c, const std::string& where) {
  if (!c.is_object() || !c.contains("function") || !c["function"].is_string() || !c.contains("inputs") ||
      !c["inputs"].is_object())
    return Error{
        Code::bad_input, fmt::format("{}: expected {{\"id\",\"function\",\"inputs\":{{…}}}}", where), "", 0, {}};
  const auto f = functions().find(c["function"].get<std::string>());
  if (f == functions().end()) {
    std::string known;
    for (const auto& [name, unused] : functions()) known += (known.empty() ? "" : ", ") + name;
    return Error{
        Code::bad_input,
        fmt::format("{}: function \"{}\" is unknown; known: {}", where, c["function"].get<std::string>(), known),
        "",
        0,
        {}};
  }
  Inputs inputs(c["inputs"], where);
  auto out = f->second(inputs);
  if (!out) {
    Error e = std::move(out).error();
    if (!e.message.starts_with(where)) e.message = fmt::format("{}: {}", where, e.message);
    e.code = Code::bad_input;
    return e;
  }
  if (c.contains("id")) (*out)["id"] = c["id"];
  return out;
}

}  // namespace

Exit keylength(const std::filesystem::path& input, Context&) {
  std::ifstream file(input);
  if (!file) return complain({Code::bad_input, fmt::format("{}: cannot read", input.string()), "", 0, {}});
  json document;
  try {
    document = json::parse(file);
  } catch (const json::parse_error& e) {
    return complain({Code::bad_input, fmt::format("{}: byte {}: not JSON", input.string(), e.byte), "", 0, {}});
  }
  json cases = document.is_object() && document.contains("cases") ? document["cases"] : json::array({document});
  if (!cases.is_array())
    return complain({Code::bad_input, fmt::format("{}: cases: expected a list", input.string()), "", 0, {}});
  json out{{"cases", json::array()}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& c = cases[i];
    const std::string name =
        c.is_object() && c.contains("id") && c["id"].is_string() ? c["id"].get<std::string>() : std::to_string(i);
    auto result = evaluate(c, fmt::format("{}: case {}", input.string(), name));
    if (!result) return complain(result.error());
    out["cases"].push_back(*std::move(result));
  }
  fmt::print("{}\n", out.dump(2));
  return Exit::done;
}

}  // namespace nicol::app
