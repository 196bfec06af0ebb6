#include "durability/async/guests.hpp"

#include <boost/asio/system_executor.hpp>

namespace durability::async {
namespace {

class GuestService final : public boost::asio::execution_context::service {
 public:
  using key_type = GuestService;
  // NOLINTNEXTLINE(readability-identifier-naming): Asio looks for it by this name
  static inline boost::asio::execution_context::id id;

  explicit GuestService(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}
  // A context that was shut down before it had this service destroys it all the same.
  ~GuestService() override { guests_->cut_off_all(); }
  GuestService(const GuestService&) = delete;
  GuestService& operator=(const GuestService&) = delete;

  [[nodiscard]] const std::shared_ptr<Guests>& guests() const noexcept { return guests_; }

 private:
  void shutdown() noexcept override { guests_->cut_off_all(); }

  const std::shared_ptr<Guests> guests_ = std::make_shared<Guests>();
};

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): as everywhere, an executor is taken by value
Home home_of(boost::asio::any_io_executor executor) {
  if (!executor) return {boost::asio::system_executor()};
  auto guests = guests_of(executor);
  return {std::move(executor), std::move(guests)};
}

Status need_executor(const boost::asio::any_io_executor& executor) {
  if (executor) return {};
  return Error(ErrorCode::kInvalidConfig, "no executor: it is empty")
      .advise("nothing was done; give it that of an event loop");
}

std::shared_ptr<Guests> Guests::of(boost::asio::execution_context& context) {
  return boost::asio::use_service<GuestService>(context).guests();
}

bool Guests::add(Guest& guest) {
  const LockGuard lock(mutex_);
  if (gone_) return false;
  guest.entered();
  inside_.push_back(guest);
  return true;
}

void Guests::remove(Guest& guest) noexcept {
  const LockGuard lock(mutex_);
  guest.hook_.unlink();
  // Under the lock: a waiter may destroy this next.
  if (gone_ && inside_.empty()) changed_.notify_all();
}

// All are claimed before the first handler is destroyed: what a destructor does (it may own a log, or a pool)
// finds nobody who would still be told.
void Guests::cut_off_all() noexcept {
  const LockGuard lock(mutex_);
  gone_ = true;
  List cut;
  for (auto next = inside_.begin(); next != inside_.end();) {
    Guest& guest = *next++;
    if (!guest.claim_to_cut_off()) continue;
    guest.hook_.unlink();
    cut.push_back(guest);
  }
  while (!cut.empty()) {
    Guest& guest = cut.front();
    guest.hook_.unlink();
    auto kept = guest.keep();
    if (!kept) {
      inside_.push_back(guest);  // its destructor waits for the lock, to leave
      continue;
    }
    const Dropped dropped(mutex_);
    kept->cut_off();
    kept.reset();
  }
  changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return inside_.empty(); });
}

}  // namespace durability::async
