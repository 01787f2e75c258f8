import { request } from 'node:http'
import {
  type Agent,
  agentServer,
  callbackRoute,
  createAgent,
  delegate,
  deviceCode,
  type Interact,
  memoryState,
} from '@countersign/agent'
import type { HeaderLines } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import type { ManyInstances, Role } from './many-instances.fixture.js'

/** The instances that answered requests to a participant, by their ports. */
export function servedBy(place: ManyInstances): { fetch: typeof fetch; of(role: Role): Set<string> } {
  const seen: Array<readonly [string, string]> = []
  return {
    async fetch(input, init) {
      const response = await fetch(input, init)
      const url = new URL(input instanceof Request ? input.url : String(input))
      seen.push([url.origin, response.headers.get('served-by') ?? ''])
      return response
    },
    of: role => new Set(seen.filter(([origin]) => origin === place.ids[role]).map(([, instance]) => instance)),
  }
}

export async function newDelegate(
  place: ManyInstances,
  o: { readonly interact?: Interact; readonly fetch?: typeof fetch } = {},
): Promise<Agent> {
  const { code } = (await (await fetch(`${place.ids.app}/invite`, { method: 'POST' })).json()) as { code: string }
  return createAgent({
    identity: delegate({ agentServer: place.ids.app, enroll: { type: 'code', code } }),
    state: memoryState(),
    acceptAuthServer: [place.ids.one],
    identifyTo: 'any',
    development: true,
    ...o,
  })
}

/** The app itself, whose users come back to it with their browsers. */
export function appAgent(place: ManyInstances, fetch?: typeof globalThis.fetch): Agent {
  const { ids, appKey } = place
  return createAgent({
    identity: agentServer({ id: ids.app, key: async () => appKey }),
    acceptAuthServer: [ids.one],
    identifyTo: 'any',
    development: true,
    interact: callbackRoute({ redirectUri: `${ids.app}/callback` }),
    ...(fetch === undefined ? {} : { fetch }),
  })
}

/** A user who types the code of a device. */
export function typing(name: string, decision: 'Allow' | 'Refuse'): Interact {
  return deviceCode({
    show: async code => void (await scriptedUser(name).typeIn(code, decision)),
  })
}

/** Sends a request to one instance. @returns the status */
export function post(o: {
  readonly port: number
  readonly host: string
  readonly target: string
  readonly lines: HeaderLines
}): Promise<number> {
  const headers = ['host', o.host, 'content-length', '0', ...o.lines.flat()]
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: o.port, path: o.target, method: 'POST', headers, agent: false }, response => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
      .once('error', reject)
      .end()
  })
}

const mcpMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
}

/** Sends messages of MCP to an endpoint. @returns the result of one, or its error */
export function messageTo(endpoint: string) {
  return async (agent: Agent, method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const response = await agent.fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        'mcp-name': String(params['name'] ?? params['taskId']),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: mcpMeta } }),
    })
    const { result, error } = await response.json()
    return result ?? error
  }
}
