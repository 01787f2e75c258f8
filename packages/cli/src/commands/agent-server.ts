import { join } from 'node:path'
import { createAgentServer } from '@countersign/agent-server'
import { jsonLog, type Logger } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../configuration.js'
import { audit } from './audit.js'
import { dataFolder, run, serverOptions, sharedReplay, signingKeys } from './participant.js'

/** Options of `countersign agent-server`. */
export const agentServerOptions = z.strictObject({
  ...serverOptions,
  database: z.string().optional().describe('sqlite:FILE or postgres://…; default sqlite:DATA/agent-server.db'),
  name: z.string().optional().describe('the name shown to users'),
  tokenLifetime: z.coerce
    .number()
    .int()
    .min(60)
    .max(86_400)
    .optional()
    .describe('seconds an agent token lives; default 3600'),
  audience: stringList.optional().describe('receivers that agent tokens are limited to; default none'),
})

/** Options of `countersign agent-server invite`. */
export const inviteOptions = z.strictObject({
  ...serverOptions,
  port: serverOptions.port.optional(),
  database: agentServerOptions.shape.database,
  sub: z.string().optional().describe('the delegate the code is for; default a new one'),
  expiresIn: z.coerce.number().int().min(1).max(604_800).optional().describe('seconds the code lives; default 3600'),
})

async function open(
  settings: Omit<z.infer<typeof agentServerOptions>, 'port'>,
  log: Logger,
  shared: Awaited<ReturnType<typeof sharedReplay>> = {},
): Promise<Awaited<ReturnType<typeof createAgentServer>>> {
  const folder = dataFolder('agent-server', settings)
  const { name, tokenLifetime, audience } = settings
  return createAgentServer({
    id: settings.id,
    keys: await signingKeys(folder, settings),
    database: settings.database ?? `sqlite:${join(folder, 'agent-server.db')}`,
    development: settings.development,
    onEvent: audit(log),
    ...shared,
    ...(name === undefined ? {} : { name }),
    ...(tokenLifetime === undefined ? {} : { tokenLifetime }),
    ...(audience === undefined ? {} : { audience }),
  })
}

/** `countersign agent-server`: serves an agent's identity and enrols its delegates. */
export async function agentServer(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentServerOptions, process.env)
  const log = jsonLog({ name: 'agent-server' })
  const participant = await open(settings, log, await sharedReplay(settings))
  await run('agent-server', settings, participant, { log })
}

/** `countersign agent-server invite`: prints a single-use enrolment code. */
export async function invite(command: Command): Promise<void> {
  const { sub, expiresIn, port: _, ...settings } = readConfiguration(command, inviteOptions, process.env)
  const server = await open(settings, jsonLog({ name: 'agent-server', level: 'silent' }))
  try {
    const invitation = await server.invite({
      ...(sub === undefined ? {} : { sub }),
      ...(expiresIn === undefined ? {} : { expiresIn }),
    })
    console.log(JSON.stringify({ agent_server: settings.id, sub: invitation.sub, code: invitation.code }))
  } finally {
    await server.close()
  }
}
