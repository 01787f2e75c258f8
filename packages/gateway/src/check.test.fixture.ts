import { createResource } from '@countersign/resource'
import type { Signer } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { type CheckOptions, createCheck, type GatewayRoute } from './index.js'
import type { World } from './world.test.fixture.js'

// How the proxies ask; with a real nginx in front it is tried in the long tier.

type Line = readonly [name: string, value: string]

/** Routes that ask for levels and a scope. */
export const routes: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/*', requirement: { level: 'identified' } },
  { path: '/open*', requirement: { level: 'anonymous' } },
  { path: '/scoped', requirement: { scope: 'read' } },
]

/** What a proxy asks about. */
export interface Asked {
  readonly as?: Signer
  readonly method?: string
  readonly target: string
  readonly body?: string
  /** What the proxy says of the body. */
  readonly framing?: string
  /** Lines that a caller adds to what it signed. */
  readonly forged?: ReadonlyArray<readonly [string, string]>
}

/** What a check said. */
export interface Verdict {
  readonly status: number
  /** The status that was meant, for nginx. */
  readonly meant: string | null
  readonly error?: string
  readonly reason?: string
  readonly headers: Headers
}

async function outcome(response: Response): Promise<Verdict> {
  const { status, headers } = response
  const { error, reason } = status === 200 ? {} : Object(await response.json())
  return { status, meant: headers.get('aauth-status'), error, reason, headers }
}

/** Asks a check of its own as a proxy does. */
export type Ask = (options?: Partial<CheckOptions<'read'>>) => (asked: Asked, sent?: string) => Promise<Verdict>

/** Proxies that ask, and what they ask about. */
export interface Proxies {
  readonly nginx: Ask
  /** `sent` is the body that it sends along. */
  readonly envoy: Ask
  linesOf(asked: Asked): Promise<Line[]>
  /** A signed request with a body. */
  post(more?: Partial<Asked>): Asked
  /** A signed request whose signature says nothing of a body. */
  bare(framing: string, method?: string): Asked
}

/** The proxies before the resource of a world. */
export function proxiesOf(world: () => World): Proxies {
  async function linesOf({ as, method = 'GET', target, body, forged = [] }: Asked): Promise<Line[]> {
    const more = body === undefined ? {} : { body, headers: [['content-type', 'text/plain'] as [string, string]] }
    const lines =
      as === undefined ? [['host', 'api.example'] as const] : await world().sign({ as, method, target, ...more })
    return [...lines, ...forged]
  }

  function nginx(options: Partial<CheckOptions<'read'>> = {}) {
    const resource = createResource({ ...world().settings, replay: startedReplaySet() })
    const check = createCheck({ resource, routes, proxy: 'nginx', ...options })
    return async (asked: Asked) => {
      const { method = 'GET', target, body, framing = `HTTP/1.1;${body?.length ?? ''};` } = asked
      const said = [
        ['X-Original-Method', method],
        ['X-Original-URI', target],
        ['X-Original-Body', framing],
      ] as const
      return outcome(
        await check.handle({ method: 'GET', target: '/check', headers: [...(await linesOf(asked)), ...said] }),
      )
    }
  }

  function envoy(options: Partial<CheckOptions<'read'>> = {}) {
    const resource = createResource({ ...world().settings, replay: startedReplaySet() })
    const check = createCheck({ resource, routes, proxy: 'envoy', ...options })
    return async (asked: Asked, sent: string | undefined = asked.body) => {
      const body = sent === undefined ? {} : { body: new TextEncoder().encode(sent) }
      const { method = 'GET', target } = asked
      return outcome(await check.handle({ method, target: `/check${target}`, headers: await linesOf(asked), ...body }))
    }
  }

  const post = (more: Partial<Asked> = {}): Asked => ({
    as: world().agent,
    method: 'POST',
    target: '/a',
    body: 'hello',
    ...more,
  })
  const bare = (framing: string, method = 'POST'): Asked => ({ as: world().agent, method, target: '/a', framing })
  return { nginx, envoy, linesOf, post, bare }
}
