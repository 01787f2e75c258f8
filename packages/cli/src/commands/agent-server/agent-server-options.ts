import { join } from 'node:path'
import { z } from 'zod'
import { stringList } from '../../flags/option-schema.js'
import { auditOptions } from '../../server/audit-log.js'
import {
  databaseOption,
  dataFolder,
  epochOptions,
  proxyOptions,
  rotationOption,
  serverOptions,
} from '../../server/participant.js'
import { oidcIssuer } from './oidc-issuer.js'

/** Options of `countersign agent-server`. */
export const agentServerOptions = z.strictObject({
  ...serverOptions,
  ...proxyOptions,
  ...epochOptions,
  ...auditOptions,
  database: databaseOption('agent-server'),
  name: z.string().optional().describe('the name shown to users'),
  redirectUris: stringList
    .optional()
    .describe('exact URLs to which auth servers may send users back, for the web apps of this agent; default none'),
  localhostCallback: z
    .boolean()
    .default(false)
    .describe(
      'allow auth servers to send users back to programs on their own machine, which `countersign fetch` needs',
    ),
  tokenLifetime: z.coerce
    .number()
    .int()
    .min(60)
    .max(86_400)
    .optional()
    .describe('lifetime of an agent token in seconds; default 3600'),
  rotateKeysEvery: rotationOption(
    'the new keys are kept in the database and replace those of a key file; default 30 days, with --keys never',
  ),
  oidc: z
    .array(oidcIssuer)
    .default([])
    .describe('OpenID issuers whose tokens enrol delegates, e.g. Kubernetes or a CI provider; default none'),
  botKeys: z
    .string()
    .optional()
    .describe(
      'key file of verified bots (Web Bot Auth), created when it is missing: their keys are published, and the bots sign with them; default none',
    ),
  audience: stringList.optional().describe('the only receivers that accept the agent tokens; default every receiver'),
})

/** What the options come to. */
export type AgentServerSettings = z.infer<typeof agentServerOptions>

/** The URL of the server's database. */
export function databaseOf(settings: Pick<AgentServerSettings, 'data' | 'database' | 'development' | 'id'>): string {
  return settings.database ?? `sqlite:${join(dataFolder('agent-server', settings), 'agent-server.db')}`
}
