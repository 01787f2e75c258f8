import { AAuthError, type AgentMetadata, type PublishedKey, parseAgentMetadata } from '@countersign/protocol'
import { checkIdentifier, toldTo } from '@countersign/protocol/internal'
import type { KeyRotation } from '@countersign/store'
import type { AgentServerOptions } from './agent-server-options.js'
import type { WebBotKeys } from './bot-directory.js'
import { checkAgentServerOptions } from './check-agent-server-options.js'
import type { AgentServerEvent } from './event.js'
import { delegateTokenPath } from './routes.js'
import { longestLifetime } from './token-lifetime.js'

const defaultLifetime = 3600

/** The checked options, with their defaults. */
export interface Settings {
  readonly metadata: AgentMetadata
  readonly keys: readonly PublishedKey[] | KeyRotation
  /** Seconds an agent token lives. */
  readonly lifetime: number
  readonly audience?: readonly string[] | undefined
  readonly development: boolean
  /** The keys of its bots. */
  readonly botKeys?: WebBotKeys['keys'] | undefined
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * Checks the options and fills in what they leave out.
 * @throws TypeError, RangeError
 */
export function readSettings(options: AgentServerOptions): Settings {
  checkAgentServerOptions(options)
  const { id, development = false, tokenLifetime = defaultLifetime } = options
  checkIdentifier('id', id, { development })
  if (!Number.isInteger(tokenLifetime) || tokenLifetime < 1 || tokenLifetime > longestLifetime)
    throw new RangeError('tokenLifetime must be whole seconds, 1 to 86 400')
  if (options.database === undefined && options.enrollment !== undefined)
    throw new TypeError('enrollment needs a database: without one no delegate could renew')
  if (options.database === undefined && options.audit !== undefined)
    throw new TypeError('audit needs a database: the log is kept there')
  return {
    metadata: agentMetadata(options),
    keys: options.keys ?? { rotateEvery: 30 * 86_400 },
    lifetime: tokenLifetime,
    audience: listAudience(options),
    development,
    botKeys: options.webBotAuth?.keys,
    now: options.now ?? (() => Date.now() / 1000),
    onEvent: toldTo(options.telemetry, options.onEvent) ?? (() => undefined),
  }
}

function agentMetadata(options: AgentServerOptions): AgentMetadata {
  const { id, name, database, redirectUris, localhostCallbackAllowed, development = false } = options
  const metadata: AgentMetadata = {
    issuer: id,
    agent: id,
    jwks_uri: `${id}/.well-known/jwks.json`,
    ...(database === undefined ? {} : { delegate_token_endpoint: `${id}${delegateTokenPath}` }),
    ...(name === undefined ? {} : { name }),
    ...(redirectUris === undefined ? {} : { redirect_uris: redirectUris }),
    ...(localhostCallbackAllowed === undefined ? {} : { localhost_callback_allowed: localhostCallbackAllowed }),
  }
  try {
    return parseAgentMetadata(metadata, id, { development })
  } catch (error) {
    // Receivers would refuse this metadata: do not publish it.
    throw error instanceof AAuthError ? new TypeError(error.description) : error
  }
}

function listAudience({ id, audience }: AgentServerOptions): string[] | undefined {
  if (audience === undefined) return undefined
  return [...new Set([...(typeof audience === 'string' ? [audience] : audience), id])]
}
