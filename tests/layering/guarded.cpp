// A field that a mutex guards. With DURABILITY_WITHOUT_ITS_MUTEX it is read without: then clang refuses it
// (CMakeLists.txt).

#include "durability/base/sync.hpp"

namespace durability {

class Guarded {
 public:
  [[nodiscard]] int number() const {
#ifndef DURABILITY_WITHOUT_ITS_MUTEX
    const LockGuard lock(mutex_);
#endif
    return number_;
  }

 private:
  mutable Mutex mutex_;
  int number_ DURABILITY_GUARDED_BY(mutex_) = 0;
};

}  // namespace durability
