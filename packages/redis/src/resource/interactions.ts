import { shareSite } from '@countersign/discovery/internal'
import { textHash } from '@countersign/httpsig/internal'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import type {
  InteractionAnswer,
  InteractionClaim,
  InteractionLimits,
  InteractionSession,
  InteractionSessions,
} from '@countersign/resource'
import { interactionRoom } from '@countersign/resource/internal'
import { keyPrefix, openSharedScript, type RedisPlace } from '../servers/shared-script.js'
import { interactionScript } from './interaction-script.js'

/** The options of {@link redisInteractions}. Instances of one resource use the same. */
export interface RedisInteractionsOptions extends RedisPlace, InteractionLimits {
  /** What its keys begin with, the same for all instances of a resource; no braces. Default `countersign:interactions`. */
  readonly prefix?: string
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** Interactions that several instances share. */
export interface RedisInteractions extends InteractionSessions {
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

/**
 * Keeps interactions in Redis, for several instances of one resource: the browser of a user may reach another instance at each step.
 * Keys are hashes. Values are JSON, and who can read them can answer in a user's place until they end, ten minutes later. What one
 * resource keeps is in one slot of a Redis Cluster.
 * @throws RedisError at the start: `evicting` when Redis may evict keys; `unavailable` or `timeout` when it is not there
 * @see protocol §7
 */
export async function redisInteractions(options: RedisInteractionsOptions): Promise<RedisInteractions> {
  checkOptions('redisInteractions', options, {
    client: 'object',
    url: 'string',
    deadline: 'number',
    prefix: 'string',
    now: 'function',
    capacity: 'number',
    perAgent: 'number',
    perSite: 'number',
    perPrincipal: 'number',
    maxBytes: 'number',
  })
  const { now = () => Date.now() / 1000, prefix = 'countersign:interactions' } = options
  const room = interactionRoom(options)
  const begin = keyPrefix(prefix)
  const script = await openSharedScript(options, { source: interactionScript })
  const keyOf = async (kind: string, text: string): Promise<string> => `${begin}:${kind}:${await textHash(text)}`
  const run = (keys: ReadonlyArray<Promise<string> | string>, ...args: ReadonlyArray<string | number>) =>
    script.run(async () => ({ keys: await Promise.all(keys), args: args.map(String) }))
  const counted = (kind: 'session' | 'answer'): string[] => [`${begin}:${kind}s`, `${begin}:${kind}-bytes`]

  async function seen(keys: ReadonlyArray<Promise<string> | string>, ...args: readonly string[]) {
    const session = sessionIn(await run(keys, ...args))
    return session !== undefined && session.expires > now() ? session : undefined
  }

  return {
    async add(session) {
      const { id, agent, principal, pending, expires } = session
      const whose = [keyOf('agent', agent), keyOf('site', shareSite(agent)), keyOf('principal', principal)]
      const keys = [keyOf('session', id), keyOf('state', pending.state), ...counted('session'), ...whose]
      const { capacity, perAgent, perSite, perPrincipal, maxBytes } = room
      const limits = [capacity, maxBytes, perAgent, perSite, perPrincipal]
      const added = await run(keys, 'add', now(), expires, JSON.stringify(session), ...limits)
      if (Number(added) === 1) return
      throw refusal('capacity_exceeded', { about: 'users who are asked', retryAfter: 60 })
    },
    find: id => seen([keyOf('session', id)], 'find'),
    claim: (id, claim) => seen([keyOf('session', id)], 'claim', claim.browser, JSON.stringify(claim)),
    take: (state, browser) => seen([keyOf('state', state), ...counted('session')], 'take', browser),
    async keep(code, answer) {
      const { principal, expires } = answer
      const keys = [keyOf('answer', code), ...counted('answer'), keyOf('answers', principal)]
      const { capacity, perPrincipal, maxBytes } = room
      await run(keys, 'keep', now(), expires, JSON.stringify(answer), capacity, maxBytes, perPrincipal, principal)
    },
    async redeem(code, principal) {
      const keys = [keyOf('answer', code), ...counted('answer'), keyOf('answers', principal)]
      const text = await run(keys, 'redeem', principal)
      const answer = typeof text === 'string' ? (JSON.parse(text) as InteractionAnswer) : undefined
      return answer !== undefined && answer.expires > now() ? answer : undefined
    },
    close: () => script.close(),
  }
}

/** A session and the claim that was made since. */
function sessionIn(answer: unknown): InteractionSession | undefined {
  if (!Array.isArray(answer)) return undefined
  const [session, claim] = answer as unknown as readonly [string, string | null]
  const found = JSON.parse(session) as InteractionSession
  return claim === null ? found : { ...found, claim: JSON.parse(claim) as InteractionClaim }
}
