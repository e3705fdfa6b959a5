/*
 * What one person has seen of one video is one hash:
 *   seen         its intervals in milliseconds, united: `0,1500,4000,9000`
 *   position     milliseconds from the beginning
 *   completed    when it was completed, as ISO text; empty before
 *   version      a new one with each call
 * It is made from what PostgreSQL has, so all of it can be written there at any time: united, it only repeats what is there.
 * Those that hold something PostgreSQL may not have yet are members of a sorted set, by the time of the first such call.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS: hash, the person's clock, the sorted set. ARGV: member, version, intervals, position, slack ms, speed, life of the clock ms,
 * most intervals; and, where the hash is to be made, what PostgreSQL has: intervals, completed.
 * Answers {'unknown'} if there is no hash and nothing to make it from, {'full'} if it would hold too many intervals, else
 * {'taken', seen, position, completed}. Seconds seen for the first time are paid for from the person's clock, and what it cannot
 * pay for is left out, from the end; seconds seen before are free, so a call that is sent again costs nothing.
 */
export const RECORD = `${NOW}
local function numbers(line)
  local list = {}
  for number in string.gmatch(line, '%d+') do list[#list + 1] = tonumber(number) end
  return list
end

local line, completed = unpack(redis.call('HMGET', KEYS[1], 'seen', 'completed'))
if not line then
  if not ARGV[9] then return {'unknown'} end
  line, completed = ARGV[9], ARGV[10]
end

local credit = tonumber(ARGV[5])
local clock = redis.call('GET', KEYS[2])
if clock then
  local at, left = unpack(numbers(clock))
  credit = math.min(left, credit) + math.max(now - at, 0) * ARGV[6]
end

local seen, sent, edges = numbers(line), numbers(ARGV[3]), {}
local function pay(from, to)
  local paid = math.min(to - from, credit)
  if paid <= 0 then return end
  credit = credit - paid
  edges[#edges + 1] = {from, from + paid}
end
local at = 1
for i = 1, #sent, 2 do
  local from, to = sent[i], sent[i + 1]
  while at < #seen and seen[at + 1] <= from do at = at + 2 end
  local next = at
  while next < #seen and seen[next] < to do
    if seen[next] > from then pay(from, seen[next]) end
    from = math.max(from, seen[next + 1])
    next = next + 2
  end
  if from < to then pay(from, to) end
end

if #edges > 0 then
  for i = 1, #seen, 2 do edges[#edges + 1] = {seen[i], seen[i + 1]} end
  table.sort(edges, function(a, b) return a[1] < b[1] end)
  local whole = {}
  for _, edge in ipairs(edges) do
    if #whole > 0 and edge[1] <= whole[#whole] then whole[#whole] = math.max(whole[#whole], edge[2])
    else whole[#whole + 1] = edge[1]; whole[#whole + 1] = edge[2] end
  end
  if #whole > 2 * ARGV[8] and #whole > #seen then return {'full'} end
  line = table.concat(whole, ',')
end

redis.call('SET', KEYS[2], now .. ' ' .. math.min(credit, ARGV[5]), 'PX', ARGV[7])
redis.call('HSET', KEYS[1], 'seen', line, 'position', ARGV[4], 'completed', completed, 'version', ARGV[2])
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[3], 'NX', now, ARGV[1])
return {'taken', line, ARGV[4], completed}
`;

/**
 * KEYS: the sorted set, then hashes. ARGV: seconds a hash is kept from now on, then for each hash four: member, the version that was
 * written, and what PostgreSQL has now, intervals (`gone` if it has no such person or video any more) and completed.
 * A hash with another version was changed meanwhile: it stays a member, behind those that wait already.
 */
export const SETTLE = `${NOW}
for i = 2, #KEYS do
  local key = KEYS[i]
  local member, version, seen, completed = unpack(ARGV, 4 * i - 6, 4 * i - 3)
  local current = redis.call('HGET', key, 'version')
  if seen == 'gone' or not current then
    redis.call('UNLINK', key)
    redis.call('ZREM', KEYS[1], member)
  elseif current == version then
    redis.call('HSET', key, 'seen', seen, 'completed', completed)
    redis.call('EXPIRE', key, ARGV[1])
    redis.call('ZREM', KEYS[1], member)
  else
    redis.call('HSET', key, 'completed', completed)
    redis.call('ZADD', KEYS[1], 'XX', now, member)
  end
end
`;
