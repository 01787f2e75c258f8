import { randomUUID } from 'node:crypto'
import { checkOptions } from '@countersign/protocol/internal'
import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server'
import { keyPrefix, openSharedScript, type RedisPlace } from '../servers/shared-script.js'

/** The options of {@link redisEventBus}. Instances of one server use the same. */
export interface RedisEventBusOptions extends RedisPlace {
  /** What its key begins with, the same for all instances of a server; no braces. Default `countersign:mcp`. */
  readonly prefix?: string
  /** Called when an event could not be told to other instances, or theirs not be read. */
  readonly onError?: (error: unknown) => void
}

/** A bus between the instances of one MCP server. */
export interface RedisEventBus extends ServerEventBus {
  /** Ends a connection made from a URL, and the watch. */
  close(): Promise<void>
}

/** Milliseconds between two looks at what other instances have told. */
const watchPause = 400

/** KEYS: the log, a stream. ARGV: `add`, who, event; or `log`, after → entries after that, at most 1000; with an empty `after` the last id. */
const busScript = `
if ARGV[1] == 'add' then
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'by', ARGV[2], 'event', ARGV[3])
  redis.call('EXPIRE', KEYS[1], 3600)
  return 1
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or '0-0'
if ARGV[2] == '' then return last end
-- A log that ends before it was read last has begun anew, in a Redis whose clock is behind.
local function time(id) return tonumber(string.match(id, '^%d+')) end
local from = time(last) < time(ARGV[2]) and '-' or '(' .. ARGV[2]
return redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1000)
`

/**
 * Tells subscribers at all instances of one MCP server what has changed: the `bus` of `guardMcp`, in Redis. Subscribers of the instance that
 * tells hear at once, others within half a second. An event that Redis does not take reaches only its own instance, and `onError`.
 * @throws RedisError at the start: `evicting` when Redis may evict keys; `unavailable` or `timeout` when it is not there
 */
export async function redisEventBus(options: RedisEventBusOptions): Promise<RedisEventBus> {
  checkOptions('redisEventBus', options, {
    client: 'object',
    url: 'string',
    deadline: 'number',
    prefix: 'string',
    onError: 'function',
  })
  const { prefix = 'countersign:mcp', onError = () => undefined } = options
  const keys = [`${keyPrefix(prefix)}:events`]
  const script = await openSharedScript(options, { source: busScript })
  const self = randomUUID()
  // bound: one for each subscription, which have a limit; grown by the program
  const listeners = new Set<(event: ServerEvent) => void>()
  const watch = createWatch(last => script.run(async () => ({ keys, args: ['log', last] })), {
    hear: hearOther,
    onError,
  })

  function hear(event: ServerEvent): void {
    for (const listener of [...listeners]) {
      try {
        listener(event)
      } catch (error) {
        onError(error)
      }
    }
  }

  function hearOther({ by, event }: Entry): void {
    if (by !== self) hear(event)
  }

  return {
    publish(event) {
      hear(event)
      script.run(async () => ({ keys, args: ['add', self, JSON.stringify(event)] })).catch(onError)
    },
    subscribe(listener) {
      listeners.add(listener)
      if (listeners.size === 1) watch.begin()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) watch.end()
      }
    },
    async close() {
      listeners.clear()
      watch.end()
      await script.close()
    },
  }
}

interface Watch {
  /** What was told before is for nobody. */
  begin(): void
  end(): void
}

/** Reads a log while anybody listens. */
function createWatch(
  read: (last: string) => Promise<unknown>,
  { hear, onError }: { readonly hear: (entry: Entry) => void; readonly onError: (error: unknown) => void },
): Watch {
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = ''
  /** Counts the watches: one that was ended while it looked does not go on. */
  let watch = 0

  async function look(mine: number): Promise<void> {
    try {
      const answer = await read(last)
      if (mine !== watch) return
      if (last === '') last = String(answer)
      else
        for (const entry of entriesOf(answer)) {
          last = entry.id
          hear(entry)
        }
    } catch (error) {
      onError(error)
    }
    if (mine !== watch) return
    timer = setTimeout(() => void look(mine), watchPause)
    timer.unref()
  }

  return {
    begin() {
      last = ''
      void look(watch)
    },
    end() {
      watch++
      clearTimeout(timer)
    },
  }
}

interface Entry {
  readonly id: string
  readonly by: string
  readonly event: ServerEvent
}

function entriesOf(answer: unknown): readonly Entry[] {
  if (!Array.isArray(answer)) throw new TypeError('the log of events is not a list')
  return answer.map(entry => {
    const [id, fields] = entry as [string, readonly string[]]
    const [, by = '', , event = ''] = fields
    return { id, by, event: JSON.parse(event) as ServerEvent }
  })
}
