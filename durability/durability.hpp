#pragma once

// Everything of the library but its testing and async parts.

#include "durability/base/crc32.hpp"
#include "durability/base/error.hpp"
#include "durability/base/ids.hpp"
#include "durability/base/result.hpp"
#include "durability/checkpoint/file.hpp"
#include "durability/codec/codec.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/recover/recover.hpp"
#include "durability/segment_index/publish_checkpoint.hpp"
#include "durability/segment_index/recovery_manager.hpp"
#include "durability/storage/directory.hpp"
#include "durability/storage/durable_directory.hpp"
#include "durability/storage/fs_directory.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/walog/convert.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/sync_writer.hpp"
#include "durability/walog/writer.hpp"
