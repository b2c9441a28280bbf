-- One `tools/call` of the benchmark with a fixed body, for wrk; the body is made once, so that no Lua runs per request.
--
-- Arguments, after wrk's `--`: the size (`small` or `large`), the tool's name, the era (`modern` or `legacy`), the token
-- of the client and, for the legacy era, the session id; both are empty where there is none. Prints one line for `cargo xtask bench` at the end.

local LARGE_TEXT_BYTES = 20000
local SMALL_TEXT_BYTES = 32

local function text_of(length)
  local sentence = "The same words again and again, "
  return string.rep(sentence, math.ceil(length / #sentence)):sub(1, length)
end

local MODERN_META = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
  .. '"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},'
  .. '"io.modelcontextprotocol/clientCapabilities":{}},'

function init(args)
  local size, tool, era, token, session = args[1], args[2], args[3], args[4], args[5]
  local text = text_of(size == "large" and LARGE_TEXT_BYTES or SMALL_TEXT_BYTES)
  local meta = era == "modern" and MODERN_META or ""

  wrk.method = "POST"
  wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{' .. meta
    .. '"name":"' .. tool .. '","arguments":{"text":"' .. text .. '"}}}'
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json, text/event-stream"
  if token and token ~= "" then
    wrk.headers["Authorization"] = "Bearer " .. token
  end
  if era == "modern" then
    wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
    wrk.headers["Mcp-Method"] = "tools/call"
    wrk.headers["Mcp-Name"] = tool
  else
    wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
    if session and session ~= "" then
      wrk.headers["Mcp-Session-Id"] = session
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'figures {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"bad_status":%d,"broken":%d,"timed_out":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
