import { makeKey, type TestKey } from '../../signing/key.js'
import { type Documents, openDocuments } from '../shared/documents.js'
import { openReplaySet, type ReplaySet } from '../shared/replay.js'
import type { SignatureRules } from '../shared/signature.js'
import { type CallCounts, openCallCounts } from './call-counts.js'
import type { Errand } from './errand.js'
import { type Limits, openLimits } from './limits.js'
import type { McpSettings } from './mcp/settings.js'
import { openRevocations, type Revocations } from './revocations.js'

/** What the configuration of the peer says. */
export interface ResourceSettings {
  readonly port: number
  /** The auth servers whose tokens it takes. */
  readonly authServers: readonly string[]
  /** The resource that it calls for its callers. */
  readonly downstream: string
  /** An OAuth server, and the API that takes its tokens. */
  readonly oauthServer: string
  /** Of a peer whose MCP servers are judged. */
  readonly mcp?: McpSettings
  /** Another authority that it answers under. */
  readonly otherAuthority?: string
  /** The other origin whose pages may call. */
  readonly corsOrigin?: string
  /** The file of what it counts for the life of a grant. */
  readonly counts: string
}

/** A resource and all that it keeps. */
export interface Site extends SignatureRules {
  readonly id: string
  readonly authServers: readonly string[]
  readonly downstream: string
  readonly oauthServer: string
  readonly authorities: readonly string[]
  readonly corsOrigin?: string
  readonly key: TestKey
  readonly kid: string
  /** When it began to remember, in seconds. */
  readonly start: number
  readonly documents: Documents
  readonly replays: ReplaySet
  readonly limits: Limits
  readonly calls: CallCounts
  readonly revocations: Revocations
  /** Approvals that were used, by the issuer and name of their token. */
  readonly used: Set<string>
  /** Resource tokens that were issued, by the request that asked. */
  readonly issued: Map<string, string>
  /** What it got in exchange, by the hash of the upstream token. */
  readonly exchanged: Map<string, { readonly token: string; readonly grant: string }>
  /** By their handle. */
  readonly errands: Map<string, Errand>
  /** Access tokens of the OAuth server, by whose they are. */
  readonly accessTokens: Map<string, string>
}

/** Opens a resource at a port of its own. */
export function openSite({ port, otherAuthority, ...settings }: ResourceSettings): Site {
  const now = (): number => Date.now() / 1000
  const authority = `localhost:${port}`
  return {
    id: `http://${authority}`,
    authority,
    scheme: 'http',
    now,
    ...settings,
    authorities: otherAuthority === undefined ? [authority] : [authority, otherAuthority],
    key: makeKey(),
    kid: 'resource-1',
    start: Math.ceil(now()),
    documents: openDocuments(now),
    replays: openReplaySet(now, authority),
    limits: openLimits(now),
    calls: openCallCounts(now, settings.counts),
    revocations: openRevocations(now),
    used: new Set(),
    issued: new Map(),
    exchanged: new Map(),
    errands: new Map(),
    accessTokens: new Map(),
  }
}
