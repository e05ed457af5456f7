-- Posts the request bodies in a file, in turn and repeatedly:
--   wrk … -s post.lua URL -- FILE REQUESTS_PER_SECOND
-- Empty lines separate the bodies, so a body is a message, or a batch with one message per line. A rate of 0 posts as
-- fast as possible. The last line of the output is: accepted refused seconds
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

-- Returns the milliseconds until the next request. The first is due at once; delays are made up for.
local function pause()
  local wait_ms = math.max(0, due_ms - milliseconds())
  due_ms = due_ms + interval_ms
  return wait_ms
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.headers["Content-Type"] = "application/json" -- beside those of the command's -H
  for body in (file:read("*a") .. "\n\n"):gmatch("(.-)\n\n+") do
    requests[#requests + 1] = wrk.format("POST", nil, nil, body)
  end
  file:close()
  local rate = tonumber(arguments[2])
  if rate > 0 then
    interval_ms, due_ms = 1000 / rate, milliseconds()
    delay = pause -- wrk calls a global function of this name, if there is one after init
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
  local total_accepted, total_refused = 0, 0
  for _, thread in ipairs(threads) do
    total_accepted = total_accepted + thread:get("accepted")
    total_refused = total_refused + thread:get("refused")
    if thread:get("refused") > 0 then
      print(thread:get("sample"))
    end
  end
  local errors = summary.errors
  total_refused = total_refused + errors.connect + errors.read + errors.write + errors.timeout
  print(total_accepted, total_refused, summary.duration / 1e6)
end
