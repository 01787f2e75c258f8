import { join } from 'node:path'
import { createAuthServer, directGrants } from '@countersign/auth-server'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../configuration.js'
import { audit } from './audit.js'
import { dataFolder, discoveryFor, run, serverOptions, sharedReplay, signingKeys } from './participant.js'

const grant = z.strictObject({
  agent: z.string().describe('the agent server that is granted access'),
  delegates: z
    .union([z.enum(['none', 'any']), z.array(z.string())])
    .default('none')
    .describe('which of its delegates share the grant'),
  resource: z.string().describe('the resource'),
  scopes: z.array(z.string()).min(1).describe('the scopes, each exactly'),
})

/** Options of `countersign auth-server`. */
export const authServerOptions = z.strictObject({
  ...serverOptions,
  database: z.string().optional().describe('sqlite:FILE or postgres://…; default sqlite:DATA/auth-server.db'),
  authTokenLifetime: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .optional()
    .describe('seconds an auth token lives; default 600'),
  grants: z.array(grant).default([]).describe('access granted by policy, without a user; default none'),
})

/** `countersign auth-server`: issues auth tokens for what its policy grants. */
export async function authServer(command: Command): Promise<void> {
  const settings = readConfiguration(command, authServerOptions, process.env)
  const folder = dataFolder('auth-server', settings)
  const { authTokenLifetime } = settings
  const log = jsonLog({ name: 'auth-server' })
  const participant = await createAuthServer({
    issuer: settings.id,
    keys: await signingKeys(folder, settings),
    database: settings.database ?? `sqlite:${join(folder, 'auth-server.db')}`,
    discovery: discoveryFor(settings),
    ...(await sharedReplay(settings)),
    policy: directGrants(settings.grants),
    development: settings.development,
    onEvent: audit(log),
    ...(authTokenLifetime === undefined ? {} : { authTokenLifetime }),
  })
  await run('auth-server', settings, participant, { log })
}
