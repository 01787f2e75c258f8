import type { Params, RpcRequest } from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'

// What stands in the `_meta` of requests of revision 2026-07-28, and has its place in `initialize` before.

/** The revision without sessions. */
export const statelessRevision = '2026-07-28'

/** The latest revision with sessions. */
export const sessionsRevision = '2025-11-25'

/** The revisions with sessions that clients may ask for. */
export const sessionsRevisions: readonly string[] = [sessionsRevision, '2025-06-18', '2025-03-26', '2024-11-05']

const prefix = 'io.modelcontextprotocol/'
const members = {
  version: `${prefix}protocolVersion`,
  client: `${prefix}clientInfo`,
  capabilities: `${prefix}clientCapabilities`,
  level: `${prefix}logLevel`,
}

/** The name of the server, in the `_meta` of results. */
export const serverInfoMember = 'io.modelcontextprotocol/serverInfo'

/** The subscription that a notification belongs to, in its `_meta`. */
export const subscriptionMember = 'io.modelcontextprotocol/subscriptionId'

/** Who sends a request, and what they can do. */
export interface Envelope {
  readonly clientInfo: unknown
  readonly capabilities: Params
  readonly logLevel: string | undefined
}

/** The envelope of a request; undefined for a request of a revision with sessions. */
export function envelopeOf({ params }: Pick<RpcRequest, 'params'>): Envelope | undefined {
  const meta = metaOf(params)
  if (typeof meta[members.version] !== 'string') return undefined
  const capabilities = meta[members.capabilities]
  const level = meta[members.level]
  return {
    clientInfo: meta[members.client],
    capabilities: isObject(capabilities) ? capabilities : {},
    logLevel: typeof level === 'string' ? level : undefined,
  }
}

/** The same members with an envelope around them. */
export function withEnvelope(params: Params | undefined, { clientInfo, capabilities, logLevel }: Envelope): Params {
  const level = logLevel === undefined ? {} : { [members.level]: logLevel }
  const said = {
    [members.version]: statelessRevision,
    [members.client]: clientInfo,
    [members.capabilities]: capabilities,
  }
  return { ...params, _meta: { ...metaOf(params), ...said, ...level } }
}

/** The same members without the envelope. */
export function withoutEnvelope(params: Params | undefined): Params | undefined {
  if (params === undefined) return undefined
  const { _meta, ...rest } = params
  const kept = withoutMembers(metaOf(params), Object.values(members))
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept }
}

/** The `_meta` among members; empty where there is none. */
export function metaOf(params: Params | undefined): Params {
  const meta = params?.['_meta']
  return isObject(meta) ? meta : {}
}

/** The same members but for these. */
export function withoutMembers(params: Params, names: readonly string[]): Params {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)))
}

/** The capabilities that mean the same in both revisions: tasks and extensions are others in each. */
export function commonCapabilities(capabilities: unknown): Params {
  return isObject(capabilities) ? withoutMembers(capabilities, ['tasks', 'extensions']) : {}
}

/** The requests to a client, as requests of their own or as requests for input, by the capability that they need. */
const asked: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

/** Whether a client with these capabilities can be asked this. */
export function canBeAsked(method: string, params: Params | undefined, capabilities: Params | undefined): boolean {
  const name = Object.hasOwn(asked, method) ? asked[method] : undefined
  const capability = name === undefined ? undefined : capabilities?.[name]
  if (!isObject(capability)) return false
  if (name !== 'elicitation') return true
  // An empty capability means forms.
  return params?.['mode'] === 'url'
    ? isObject(capability['url'])
    : isObject(capability['form']) || Object.keys(capability).length === 0
}
