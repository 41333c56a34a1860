-- The load of every server: the texts in the order of the file, none twice.
-- Arguments: the file of texts (JSON strings without quotes, one per line), the number of the first text.

local texts, number = {}, 0

function init(args)
   for line in io.lines(args[1]) do
      texts[#texts + 1] = line
   end
   number = tonumber(args[2])
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
end

-- The n-th text is a text of the file followed by how often the whole file has been sent.
function request()
   local text, round = texts[number % #texts + 1], math.floor(number / #texts)
   number = number + 1
   return wrk.format(nil, nil, nil, '{"text":"' .. text .. ' ' .. round .. '"}')
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '{"requests":%d,"micros":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d,"refused":%d,"failed":%d}\n',
      summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
