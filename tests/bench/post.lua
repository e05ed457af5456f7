-- Posts the bodies of a file, one after the other and over again:
--   wrk … -s post.lua URL -- FILE REQUESTS_A_SECOND
-- Bodies are parted by an empty line, so one can be a message or a batch of them, one a line. A rate of 0 is as fast as it
-- goes. The last line that it prints is: accepted refused seconds
local ffi = require("ffi")
ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } timespec;
  int clock_gettime(int clock, timespec *now);
]])
local CLOCK_MONOTONIC = 1
local now = ffi.new("timespec")

accepted, refused, sample = 0, 0, ""
local threads = {}
local requests, number = {}, 0
local interval_ms, due_ms = 0, 0

local function milliseconds()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, now)
  return tonumber(now.seconds) * 1000 + tonumber(now.nanoseconds) / 1e6
end

local function pause() -- until the next request is due, the first at once; what was missed is caught up with
  local wait_ms = math.max(0, due_ms - milliseconds())
  due_ms = due_ms + interval_ms
  return wait_ms
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  for body in (file:read("*a") .. "\n\n"):gmatch("(.-)\n\n+") do
    requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
  end
  file:close()
  local rate = tonumber(arguments[2])
  if rate > 0 then
    interval_ms, due_ms = 1000 / rate, milliseconds()
    delay = pause -- wrk looks for a function of this name after init
  end
end

function request()
  number = number % #requests + 1
  return requests[number]
end

function response(status, _, body)
  if status == 201 then
    accepted = accepted + tonumber(body:match('"accepted":(%d+)') or 1)
  else
    refused, sample = refused + 1, status .. " " .. body
  end
end

function done(summary)
  local taken, denied = 0, 0
  for _, thread in ipairs(threads) do
    taken, denied = taken + thread:get("accepted"), denied + thread:get("refused")
    if thread:get("refused") > 0 then
      print(thread:get("sample"))
    end
  end
  print(taken, denied + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration / 1e6)
end
