/*
 * An entry is one hash, so that deleting one key removes the value and every permission to store one:
 *   value, until      the JSON and when it expires, in milliseconds of the server's clock
 *   versions          the shape of values, and the versions of the generation and of the entry's tags when it was granted
 *   lease             until when other processes wait for the one that fetches
 *   token:<token>     a fetch under way that may store what it reads
 * A tag is a key with a random version. Deleting it drops everything with the tag, however much that is: an entry
 * counts only while its versions are still the current ones. A tag that Redis evicts costs a fetch, never a stale read.
 * In all scripts KEYS are the entry, the generation (a tag that every entry has) and the entry's tags.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** ARGV: token, lease ms, grace ms, longest fetch ms, life of a tag ms, '1' to not wait for another's lease, shape. */
export const OPEN = `${NOW}
local versions = {}
for i = 2, #KEYS do
  local version = redis.call('GET', KEYS[i])
  if not version then
    version = ARGV[1]
    redis.call('SET', KEYS[i], version, 'PX', ARGV[5])
  end
  versions[#versions + 1] = version
end
local current = ARGV[7] .. ' ' .. table.concat(versions, ' ')
local value, expires, granted, lease = unpack(redis.call('HMGET', KEYS[1], 'value', 'until', 'versions', 'lease'))
if granted and granted ~= current then
  redis.call('DEL', KEYS[1])
  value, lease = false, false
end
local left = value and tonumber(expires) - now
if value and left > 0 then return {'hit', value, left} end
if lease and tonumber(lease) > now and ARGV[6] ~= '1' then return {'busy'} end
local function keep(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end
redis.call('HSET', KEYS[1], 'versions', current, 'lease', string.format('%.0f', now + ARGV[2]), 'token:' .. ARGV[1], '')
keep(KEYS[1], ARGV[4])
for i = 2, #KEYS do keep(KEYS[i], ARGV[5]) end
if value and left + ARGV[3] > 0 then return {'granted', value} end
return {'granted'}
`;

/** ARGV: token, JSON, life ms, grace ms, shape. Answers 1 if it was stored, 0 if something was dropped since the grant. */
export const STORE = `${NOW}
local versions = {}
for i = 2, #KEYS do versions[#versions + 1] = redis.call('GET', KEYS[i]) or '' end
local current = ARGV[5] .. ' ' .. table.concat(versions, ' ')
local granted, token = unpack(redis.call('HMGET', KEYS[1], 'versions', 'token:' .. ARGV[1]))
if not token or granted ~= current then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'until', string.format('%.0f', now + ARGV[3]), 'versions', current)
redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
return 1
`;

/** KEYS: what to delete. ARGV: channel, message. In one step, so that whoever gets the message no longer finds a value. */
export const DROP = `
for i = 1, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('PUBLISH', ARGV[1], ARGV[2])
`;

/**
 * KEYS: server, generation. ARGV: the server's run id, '1' to distrust what is stored.
 * A server that was started since, or a replica that took over, may have missed drops: it starts a new generation.
 */
export const ENTER = `
local isKnown = redis.call('GET', KEYS[1]) == ARGV[1]
if not isKnown then redis.call('SET', KEYS[1], ARGV[1]) end
if not isKnown or ARGV[2] == '1' then redis.call('DEL', KEYS[2]) end
`;
