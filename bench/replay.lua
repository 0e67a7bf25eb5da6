-- wrk -s replay.lua URL -- FILE : replays the ready-made requests of FILE in a circle.
-- FILE: for each request "LENGTH METHOD\n" and that many bytes.
local requests, index = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local line = file:read("*l")
    if not line then break end
    requests[#requests + 1] = file:read(tonumber(line:match("^%d+")))
  end
  file:close()
end

function request()
  index = index % #requests + 1
  return requests[index]
end
