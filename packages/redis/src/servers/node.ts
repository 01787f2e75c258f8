import { RedisError } from './error.js'
import type { RedisLink } from './link.js'

/** One run of a script. */
export interface ScriptRun {
  /** All in one slot. */
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** A script that Redis runs atomically. */
export interface RedisScript {
  /** Lua. */
  readonly source: string
  /**
   * What is run first on the server of its keys, once after every connection, and in a cluster when a server takes over keys.
   * @param awaySeconds since another server answered last: what that was told, this one does not know. Undefined for the same server
   */
  first?(awaySeconds: number | undefined): readonly ScriptRun[]
}

/** One server, alone or in a cluster. It is prepared again after each reconnection, since that may be to another Redis. */
export interface RedisNode {
  /** @param how `asking` where the keys are being moved to this node */
  run(run: ScriptRun, how?: 'asking'): Promise<unknown>
  /** A command that needs no preparation. Waits for the first connection. */
  send(args: readonly string[]): Promise<unknown>
  /** Resolves once the server is connected and prepared. */
  prepared(): Promise<void>
  /** Prepares it once more: it has keys that it did not have. */
  renew(): void
  suspect(): void
  close(): Promise<void>
}

/** With `noeviction` a full Redis refuses writes. Any other policy drops entries silently: replays would pass, limits would not hold. */
async function refuseEviction(link: RedisLink): Promise<void> {
  const memory = String(await link.send(['INFO', 'memory']))
  const limit = /^maxmemory:(\d+)\r?$/m.exec(memory)?.[1]
  const policy = /^maxmemory_policy:([a-z-]+)\r?$/m.exec(memory)?.[1]
  if (limit === undefined || policy === undefined || (limit !== '0' && policy !== 'noeviction'))
    throw new RedisError('evicting', 'Redis has a memory limit and may evict: set maxmemory-policy noeviction', {
      maxmemory: limit,
      maxmemory_policy: policy,
    })
}

interface LastServer {
  /** Seconds since another process answered last, when this one is met; undefined where there was no other. */
  awayBefore(server: string): number | undefined
  begin(server: string): void
  answers(): void
}

/** Remembers which process answered last, and when. */
function lastServer(): LastServer {
  let known: string | undefined
  let answeredAt = performance.now()
  const answers = (): void => {
    answeredAt = performance.now()
  }
  return {
    awayBefore: server =>
      known === undefined || known === server ? undefined : (performance.now() - answeredAt) / 1000,
    begin(server) {
      known = server
      answers()
    },
    answers,
  }
}

/** The process behind a connection: another one, though at the same address, has another memory. */
async function processOf(link: RedisLink): Promise<string> {
  return /^run_id:(\w+)/m.exec(String(await link.send(['INFO', 'server'])))?.[1] ?? ''
}

/**
 * @param linked makes the connection; `renewed` is called with each new one
 * @param has whether the keys of a run are on this server
 */
export function openNode(
  linked: (renewed: () => void) => RedisLink,
  script: RedisScript,
  has: (run: ScriptRun) => boolean,
): RedisNode {
  let preparing: Promise<void> | undefined
  let hash = ''
  const last = lastServer()
  const forget = (): void => {
    preparing = undefined
  }
  const link = linked(forget)

  async function prepare(): Promise<void> {
    await link.opened
    await refuseEviction(link)
    hash = String(await link.send(['SCRIPT', 'LOAD', script.source]))
    if (script.first === undefined) return
    const server = await processOf(link)
    for (const run of script.first(last.awayBefore(server))) if (has(run)) await send(run)
    // Only now: what failed in between is done once more.
    last.begin(server)
  }

  function ready(): Promise<void> {
    if (preparing !== undefined) return preparing
    const now = prepare()
    preparing = now
    now.catch(() => {
      if (preparing === now) preparing = undefined
    })
    return now
  }

  /** Runs the script, by its hash where Redis still knows it. */
  async function send({ keys, args }: ScriptRun, how?: 'asking'): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args]
    const command = (words: readonly string[]): Promise<unknown> => {
      // It holds for the next command of the connection, which is written in the same turn.
      if (how === 'asking') link.send(['ASKING']).catch(() => undefined)
      return link.send(words)
    }
    try {
      return await command(['EVALSHA', hash, ...rest])
    } catch (error) {
      // Redis lost the script by a restart or SCRIPT FLUSH, and has run nothing yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return command(['EVAL', script.source, ...rest])
    }
  }

  return {
    async run(run, how) {
      await ready()
      const answer = await send(run, how)
      last.answers()
      return answer
    },
    async send(args) {
      await link.opened
      return link.send(args)
    },
    prepared: ready,
    renew() {
      forget()
      ready().catch(() => undefined)
    },
    suspect: () => link.suspect(),
    close: () => link.close(),
  }
}
