#pragma once

// The table of FsOptions::system_calls, for tests in which a call of the system fails: copy
// internal::real_system_calls() and put others in place of some.

#include "durability/storage/system_calls.hpp"
