#include "net/name_client.hpp"

#include <new>
#include <utility>

namespace copas {

// One descriptor of the channel. It is armed for each event anew, for a channel may leave some of what has come for the
// next time.
class name_client::source final : public event_source {
 public:
  source(name_client& owner, int fd) : owner_{owner}, fd_{fd}, generation_{owner.home_.sources().attach(fd, *this)} {}
  ~source() {
    if (generation_ == 0) return;
    owner_.home_.io().unwatch(fd_);
    owner_.home_.sources().detach(fd_);
  }

  void on_event(const io_event& what) noexcept override {
    readable = readable || what.readable;
    writable = writable || what.writable;
    armed = false;
    owner_.on_source_event();
  }
  void on_detached() noexcept override { generation_ = 0; }

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }

  interest wanted;
  bool armed = false;
  bool readable = false;
  bool writable = false;

 private:
  name_client& owner_;
  int fd_;
  std::uint32_t generation_;
};

name_client::name_client(loop& home, dns::engine& by, const dns::channel_settings& how)
    : home_{home}, channel_{by.open(how, *this)} {
  if (!channel_) throw std::bad_alloc{};
}

name_client::~name_client() { channel_.reset(); }  // which closes its descriptors, and says so, while the others exist

void name_client::ask(const std::string& name, dns::record what, dns::questioner& by) noexcept {
  channel_->ask(name, what, by);
  if (!processing_) wait_for_next();
}

void name_client::watch(int fd, bool read, bool write) noexcept {
  if (!read && !write) return stop_watching(fd);
  try {
    source& at = sources_.try_emplace(fd, *this, fd).first->second;
    at.wanted = {.read = read, .write = write};
    arm(at);
  } catch (const std::bad_alloc&) {
    return;  // the question is asked again after a while, or given up
  }
}

void name_client::stop_watching(int fd) noexcept { sources_.erase(fd); }

void name_client::arm(source& of) noexcept {
  if (of.generation() == 0) return;
  of.armed = !home_.io().watch_once(of.fd(), of.generation(), of.wanted);
}

void name_client::on_source_event() noexcept {
  if (parked()) home_.wake_by_event(*this);
}

bool name_client::advance() {
  processing_ = true;
  process_events();
  channel_->process_timeouts();
  for (auto& [fd, each] : sources_) {
    if (!each.armed) arm(each);
  }
  processing_ = false;
  wait_for_next();
  return false;
}

// The channel may close any of its descriptors, and open others, while it processes one.
void name_client::process_events() noexcept {
  for (auto at = sources_.begin(); at != sources_.end();) {
    const int fd = at->first;
    const bool readable = std::exchange(at->second.readable, false);
    const bool writable = std::exchange(at->second.writable, false);
    if (readable || writable) channel_->process(fd, readable, writable);
    at = sources_.upper_bound(fd);
  }
}

// In the background: those who wait for the answers keep the loop running, if there are any.
void name_client::wait_for_next() noexcept {
  constexpr std::chrono::milliseconds slack{1};  // the channel has a clock of its own
  const auto left = channel_->next_timeout();
  leave();
  if (!left) return;
  try {
    park_in_background(home_, {}, home_.io().after(*left + slack));
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace copas
