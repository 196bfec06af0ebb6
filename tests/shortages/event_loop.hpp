#pragma once

#include <boost/asio/io_context.hpp>
#include <new>

namespace durability::shortages {

/// Runs the loop until nothing is left to do; what handlers throw for want of memory is theirs to bear.
inline void run(boost::asio::io_context& loop) {
  loop.restart();
  while (true) {
    try {
      loop.run();
      return;
    } catch (const std::bad_alloc&) {
    }
  }
}

}  // namespace durability::shortages
