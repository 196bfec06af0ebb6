#pragma once

// Everything of durability::async. Apart from durability.hpp, because it needs Boost.Asio.

#include "durability/async/async_directory.hpp"
#include "durability/async/async_reader.hpp"
#include "durability/async/async_wal.hpp"
#include "durability/async/blocking_bridge.hpp"
#include "durability/async/blocking_pool.hpp"
