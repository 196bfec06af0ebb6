#include "durability/storage/fs_descriptors.hpp"

#include <pthread.h>
#include <unistd.h>

#include <mutex>

namespace durability::internal {

/// All that are open, and the mutex that fork() takes too: the child finds the list whole, and the one thread
/// that it has holds the mutex.
struct ParentsFds {
  static inline constinit std::mutex mutex;
  static inline constinit ParentsFd* first = nullptr;

  static void close_in_child() noexcept {
    while (first != nullptr) {
      ::close(first->fd_.release());  // nothing here but what a signal handler may do
      remove(*first);
    }
  }
  static void add(ParentsFd& added) noexcept {
    added.next_ = first;
    if (first != nullptr) first->previous_ = &added;
    first = &added;
  }
  static void remove(ParentsFd& removed) noexcept {
    (removed.previous_ != nullptr ? removed.previous_->next_ : first) = removed.next_;
    if (removed.next_ != nullptr) removed.next_->previous_ = removed.previous_;
    removed.previous_ = removed.next_ = nullptr;
  }
};

namespace {

extern "C" {
void before_fork() { ParentsFds::mutex.lock(); }
void after_fork_in_parent() { ParentsFds::mutex.unlock(); }
void after_fork_in_child() {
  ParentsFds::close_in_child();
  ParentsFds::mutex.unlock();
}
}

[[maybe_unused]] const int registered =
    ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

}  // namespace

ForksWait::ForksWait() { ParentsFds::mutex.lock(); }
ForksWait::~ForksWait() { ParentsFds::mutex.unlock(); }

ParentsFd::~ParentsFd() {
  const ForksWait no_fork;
  take(UniqueFd(-1, real_system_calls()));
}

void ParentsFd::take(UniqueFd opened) noexcept {
  const UniqueFd before = std::exchange(fd_, std::move(opened));
  if (before.get() >= 0) ParentsFds::remove(*this);
  if (fd_.get() >= 0) ParentsFds::add(*this);
}

}  // namespace durability::internal
