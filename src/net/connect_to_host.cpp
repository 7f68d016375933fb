#include "copas/net/connect_to_host.hpp"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <list>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/net/tcp.hpp"
#include "net/destination_order.hpp"
#include "net/literal.hpp"
#include "net/name_search.hpp"
#include "net/socket_calls.hpp"

namespace copas {
namespace {

constexpr std::chrono::milliseconds attempt_delay{250};   // RFC 8305 section 5
constexpr std::chrono::milliseconds resolution_delay{50};  // RFC 8305 section 3

// Says that this machine has no way to the address, which tells less than what another one answered.
bool is_without_a_way(const std::error_code& error) noexcept {
  return is_one_of(error, {ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT});
}

}  // namespace

// One attempt: a descriptor of its own, whose events wake the operation.
class connect_to_host::trial final : public event_source {
 public:
  trial(connect_to_host& owner, const address& to) noexcept : owner_{owner}, to_{to} {}
  ~trial() { leave_loop(); }

  enum class progress : std::uint8_t { connected, pending, failed };
  [[nodiscard]] progress begin();
  [[nodiscard]] progress look() noexcept;
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  [[nodiscard]] const address& to() const noexcept { return to_; }

  /// Its descriptor, which it has no more.
  [[nodiscard]] unique_fd take() noexcept {
    leave_loop();
    return std::move(fd_);
  }

  void on_event(const io_event&) noexcept override {
    if (owner_.parked()) owner_.home()->wake_by_event(owner_);
  }
  void on_detached() noexcept override { generation_ = 0; }

 private:
  void leave_loop() noexcept {
    if (std::exchange(generation_, 0) == 0) return;
    owner_.home()->io().unwatch(fd_.get());
    owner_.home()->sources().detach(fd_.get());
  }

  connect_to_host& owner_;
  address to_;
  unique_fd fd_;
  std::uint32_t generation_ = 0;
  std::error_code error_;
};

connect_to_host::trial::progress connect_to_host::trial::begin() {
  auto fd = open_tcp(to_.family(), owner_.home());
  if (!fd) {
    error_ = fd.error();
    return progress::failed;
  }
  fd_ = std::move(*fd);
  const progress first = look();
  if (first != progress::pending) return first;
  loop& home = *owner_.home();
  generation_ = home.sources().attach(fd_.get(), *this);
  error_ = home.io().watch(fd_.get(), generation_);
  return error_ ? progress::failed : progress::pending;
}

// connect(2), called again, tells how the connection that the first call began is getting on.
connect_to_host::trial::progress connect_to_host::trial::look() noexcept {
  error_ = socket_calls::connect(fd_.get(), to_.bytes());
  if (!error_ || error_ == system_error(EISCONN)) return progress::connected;
  return is_one_of(error_, {EINPROGRESS, EALREADY, EINTR}) ? progress::pending : progress::failed;
}

class connect_to_host::race {
 public:
  race(connect_to_host& owner, resolver& by, lookup_request to);

  /// Goes on as far as it can; true if it is over.
  [[nodiscard]] bool advance();
  /// When to go on at the latest, if nothing happens before.
  [[nodiscard]] deadline next_step() const noexcept { return next_step_; }
  [[nodiscard]] bool looking_up() const noexcept { return trials_.empty() && search_ != nullptr && !search_->done(); }
  /// Does it try the addresses with the descriptor that the stream has had?
  [[nodiscard]] bool one_by_one() const noexcept { return sequence_.has_value(); }

 private:
  void begin();
  void open_for_only_address();
  void collect();
  void note(std::error_code failure) noexcept;
  [[nodiscard]] bool advance_one_by_one();
  [[nodiscard]] bool look_at_trials() noexcept;
  [[nodiscard]] bool may_begin_next(deadline now) noexcept;
  [[nodiscard]] bool begin_next(deadline now);
  [[nodiscard]] bool end(trial& winner) noexcept;

  connect_to_host& owner_;
  resolver& names_;
  lookup_request to_;
  std::unique_ptr<detail::name_search> search_;  // null if the host is no name
  std::uint16_t port_ = 0;
  std::size_t collected_ = 0;  // of what has been found
  std::vector<address> untried_;
  deadline first_found_ = never;
  std::optional<family> last_family_;
  std::list<trial> trials_;
  std::optional<connect_sequence> sequence_;
  deadline next_begin_ = deadline::min();
  deadline next_step_ = never;
  bool owns_descriptor_ = true;
  bool begun_ = false;
};

connect_to_host::race::race(connect_to_host& owner, resolver& by, lookup_request to)
    : owner_{owner}, names_{by}, to_{std::move(to)} {}

void connect_to_host::race::begin() {
  begun_ = true;
  owns_descriptor_ = !owner_.on().open();  // somebody before may have connected it
  if (auto literal = parse_literal(to_)) {
    if (!*literal) return note(literal->error());
    untried_ = *std::move(*literal);
    return open_for_only_address();
  }
  const auto port = port_of(to_.service, to_.by);
  if (!port) return note(port.error());
  port_ = *port;
  search_ = std::make_unique<detail::name_search>(*names_.core_, to_.host, to_.wanted);
  search_->start();
  search_->on_progress([](void* self) { static_cast<connect_to_host*>(self)->on_progress(); }, &owner_);
}

// Where there is nothing to race, the stream has its descriptor while it connects: whoever selects by it waits for that.
void connect_to_host::race::open_for_only_address() {
  if (!owns_descriptor_ || untried_.size() != 1) return;
  auto fd = open_tcp(untried_.front().family(), owner_.home());
  if (!fd) {
    untried_.clear();
    return note(fd.error());
  }
  owner_.on().adopt(*std::move(fd));
  owns_descriptor_ = false;
}

// Takes over what has been found since.
void connect_to_host::race::collect() {
  if (search_ == nullptr) return;
  const auto& found = search_->found().addresses;
  if (search_->done() && search_->error()) note(search_->error());
  if (collected_ == found.size()) return;
  for (; collected_ < found.size(); ++collected_) untried_.push_back(found[collected_]);
  sort_destinations(untried_);
  interleave_families(untried_, last_family_);
  if (first_found_ == never) first_found_ = owner_.home()->io().now();
}

void connect_to_host::race::note(std::error_code failure) noexcept {
  if (!owner_.error_ || is_without_a_way(owner_.error_) || !is_without_a_way(failure)) owner_.error_ = failure;
}

bool connect_to_host::race::advance() {
  if (!begun_) begin();
  collect();
  if (!owns_descriptor_) return advance_one_by_one();
  if (look_at_trials()) return true;
  const deadline now = owner_.home()->io().now();
  next_step_ = never;
  while (may_begin_next(now)) {
    if (begin_next(now)) return true;
  }
  return trials_.empty() && untried_.empty() && (search_ == nullptr || search_->done());
}

bool connect_to_host::race::look_at_trials() noexcept {
  for (auto each = trials_.begin(); each != trials_.end();) {
    switch (each->look()) {
      case trial::progress::connected: return end(*each);
      case trial::progress::pending: ++each; continue;
      case trial::progress::failed:
        note(each->error());
        each = trials_.erase(each);
        next_begin_ = deadline::min();
    }
  }
  return false;
}

bool connect_to_host::race::may_begin_next(deadline now) noexcept {
  if (untried_.empty()) return false;
  deadline when = trials_.empty() ? deadline::min() : next_begin_;
  const bool preferred_may_come = !last_family_ && untried_.front().family() == family::inet4 && search_ != nullptr &&
                                  search_->waits_for(family::inet6);
  if (preferred_may_come) when = std::max(when, first_found_ + resolution_delay);
  if (when <= now) return true;
  next_step_ = when;
  return false;
}

bool connect_to_host::race::begin_next(deadline now) {
  address to = untried_.front();
  untried_.erase(untried_.begin());
  if (search_ != nullptr) to.set_port(port_);
  last_family_ = to.family();
  next_begin_ = now + attempt_delay;
  trial& begun = trials_.emplace_back(owner_, to);
  switch (begun.begin()) {
    case trial::progress::connected: return end(begun);
    case trial::progress::pending: break;
    case trial::progress::failed: note(begun.error()); trials_.pop_back();
  }
  return false;
}

bool connect_to_host::race::end(trial& winner) noexcept {
  if (owner_.on().open()) {
    owner_.on().replace(winner.take());  // somebody has given it another one meanwhile
  } else {
    owner_.on().adopt(winner.take());
  }
  owner_.error_ = {};
  return true;
}

bool connect_to_host::race::advance_one_by_one() {
  if (search_ != nullptr && !search_->done()) return false;
  if (!sequence_) {
    if (untried_.empty()) return true;
    if (search_ != nullptr) {
      for (address& each : untried_) each.set_port(port_);
    }
    sequence_.emplace(owner_.on(), std::move(untried_), connect_sequence::descriptor::given, owner_.home());
  }
  if (!sequence_->step()) return false;
  owner_.error_ = sequence_->error();
  return true;
}

connect_to_host::connect_to_host(resolver& by, ref<stream> socket, lookup_request to)
    : io_operation{&by.home(), ref<copas::socket>{socket.get()}, side::write},
      race_{std::make_unique<race>(*this, by, std::move(to))} {}

connect_to_host::~connect_to_host() = default;

bool connect_to_host::attempt() noexcept {
  try {
    if (!race_->advance()) return false;
  } catch (const std::bad_alloc&) {
    error_ = std::make_error_code(std::errc::not_enough_memory);
  }
  race_.reset();
  return true;
}

void connect_to_host::give_up(std::error_code why) noexcept {
  error_ = why;
  race_.reset();
}

std::string_view connect_to_host::activity() const noexcept {
  return race_ != nullptr && race_->looking_up() ? "looking up a host" : "connecting";
}

// As long as the stream has no descriptor, its turn is kept while the race goes on elsewhere.
void connect_to_host::wait_in_line() noexcept {
  const readiness& at = on().ready();
  const bool turn = at.vacant(which()) || at.holds(*this);
  if (!turn || race_->one_by_one()) return io_operation::wait_in_line();
  if (!waited_) limit_ = until();
  waited_ = true;
  hold_turn();
  wake_at(std::min(limit_, race_->next_step()));
}

bool connect_to_host::at_deadline() const noexcept { return !waited_ || home()->io().now() >= limit_; }

void connect_to_host::on_progress() noexcept {
  if (parked()) home()->schedule_next(*this);
}

}  // namespace copas
