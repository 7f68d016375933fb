#pragma once

/// Everything: tasks and scheduling, sockets, networking. Each header may also be included alone.

#include "copas/core/awaitable.hpp"
#include "copas/core/deadline.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/http/client.hpp"
#include "copas/io/signals.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/net/address.hpp"
#include "copas/net/tcp.hpp"
#include "copas/net/udp.hpp"
#include "copas/net/unix.hpp"
#include "copas/sync/event.hpp"
#include "copas/sync/future.hpp"
#include "copas/sync/lock.hpp"
#include "copas/sync/queue.hpp"
#include "copas/sync/semaphore.hpp"
#include "copas/sync/timer.hpp"
