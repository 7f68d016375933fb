#include "copas/net/resolver.hpp"

#include <utility>

#include "net/destination_order.hpp"
#include "net/literal.hpp"
#include "net/name_search.hpp"
#include "net/resolver_core.hpp"

namespace copas {
namespace {

const char property_key = 0;

class own_resolver final : public loop_property {
 public:
  own_resolver(loop& home, resolver_options how, dns::engine* by) : names{home, std::move(how), by} {}
  resolver names;
};

result<std::vector<address>> at_port(result<host_entry>&& found, std::uint16_t port) {
  if (!found) return std::unexpected{found.error()};
  sort_destinations(found->addresses);
  for (address& each : found->addresses) each.set_port(port);
  return std::move(found->addresses);
}

result<host_entry> outcome_of(detail::name_search& search) {
  if (search.error()) return std::unexpected{search.error()};
  return search.take();
}

std::optional<result<host_entry>> without_questions(detail::name_search&& search) {
  if (!search.look_around()) return {};
  return outcome_of(search);
}

}  // namespace

resolver::resolver(loop& home, resolver_options how, dns::engine* by)
    : core_{std::make_unique<detail::resolver_core>(home, std::move(how), by)} {}
resolver::~resolver() = default;

resolver* resolver::find(loop& home) noexcept {
  auto* const found = static_cast<own_resolver*>(home.properties().find(&property_key));
  return found == nullptr ? nullptr : &found->names;
}

resolver& resolver::install(loop& home, resolver_options how, dns::engine* by) {
  auto made = std::make_unique<own_resolver>(home, std::move(how), by);
  resolver& names = made->names;
  home.properties().add(&property_key, std::move(made));
  return names;
}

void resolver::set_options(resolver_options how) { core_->set_options(std::move(how)); }
const resolver_options& resolver::options() const noexcept { return core_->options(); }
void resolver::set_engine(dns::engine* by) noexcept { core_->set_engine(by); }
loop& resolver::home() const noexcept { return core_->home(); }

address_lookup resolver::look_up(lookup_request what, deadline until) { return {*this, std::move(what), until}; }

address_lookup resolver::look_up(std::string host, std::uint16_t port, deadline until) {
  return look_up(lookup_request{std::move(host), std::to_string(port)}, until);
}

host_lookup resolver::look_up_host(std::string name, family wanted, deadline until) {
  return {*this, std::move(name), wanted, until};
}

host_lookup resolver::look_up_name(const address& of, deadline until) { return {*this, of, until}; }

std::optional<result<std::vector<address>>> resolver::known(const lookup_request& what) {
  if (auto literal = parse_literal(what)) return literal;
  const auto port = port_of(what.service, what.by);
  if (!port) return result<std::vector<address>>{std::unexpected{port.error()}};
  auto found = known_host(what.host, what.wanted);
  if (!found) return {};
  return at_port(std::move(*found), *port);
}

std::optional<result<host_entry>> resolver::known_host(const std::string& name, family wanted) {
  return without_questions(detail::name_search{*core_, name, wanted});
}

std::optional<result<host_entry>> resolver::known_name(const address& of) {
  return without_questions(detail::name_search{*core_, of});
}

host_lookup::host_lookup(resolver& by, std::string name, family wanted, deadline until)
    : wait_node{&by.home(), until},
      search_{std::make_unique<detail::name_search>(*by.core_, std::move(name), wanted)} {}
host_lookup::host_lookup(resolver& by, const address& of, deadline until)
    : wait_node{&by.home(), until}, search_{std::make_unique<detail::name_search>(*by.core_, of)} {}
host_lookup::host_lookup(resolver& by, deadline until) noexcept : wait_node{&by.home(), until} {}
host_lookup::~host_lookup() = default;

bool host_lookup::await_ready() noexcept {
  search_->start();
  return search_->done();
}

void host_lookup::await_suspend(waiter who) noexcept {
  park(who, wait_kind::read);
  search_->on_progress(
      [](void* self) {
        auto& waiting = *static_cast<host_lookup*>(self);
        if (waiting.search_->done() && waiting.parked()) waiting.home()->schedule(waiting);
      },
      this);
}

result<host_entry> host_lookup::await_resume() {
  if (!search_->done()) return std::unexpected{make_error_code(errc::timed_out)};
  return outcome_of(*search_);
}

address_lookup::address_lookup(resolver& by, lookup_request what, deadline until) : host_lookup{by, until} {
  known_ = parse_literal(what);
  if (known_) return;
  const auto port = port_of(what.service, what.by);
  if (port) {
    port_ = *port;
    search_ = std::make_unique<detail::name_search>(*by.core_, std::move(what.host), what.wanted);
  } else {
    known_ = std::unexpected{port.error()};
  }
}

result<std::vector<address>> address_lookup::await_resume() {
  if (known_) return std::move(*known_);
  return at_port(host_lookup::await_resume(), port_);
}

}  // namespace copas
