import { join } from 'node:path'
import { createAgentServer, type Delegation } from '@countersign/agent-server'
import { generateSigningKey } from '@countersign/httpsig'
import type { Participants } from './participants.js'

/** Whom to invite, and where. */
export interface Invite {
  /** The identifier of the agent server. */
  readonly at: string
  /** The folder of its database. */
  readonly folder: string
  /** The delegate that enrols with the code. Default: a new one. */
  readonly sub: string | undefined
  /** What the name of a new delegate begins with. Default: nothing. */
  readonly label?: string | undefined
  /** What the delegate may be used for. Default: everything. */
  readonly delegation?: Delegation | undefined
}

/**
 * Makes a single-use code in the database of an agent server, as `countersign agent-server invite` does. A process for each code
 * would take longer than the rest of a story.
 */
export async function invite(
  { folder }: Participants,
  to: Invite,
): Promise<{ readonly code: string; readonly sub: string }> {
  const server = await createAgentServer({
    id: to.at,
    database: `sqlite:${join(folder, to.folder, 'agent-server.db')}`,
    // It signs nothing: the running server keeps its keys.
    keys: [{ kid: 'none', key: await generateSigningKey() }],
    knownKeys: 'ignore',
    development: true,
  })
  try {
    return await server.invite({
      ...(to.sub === undefined ? {} : { sub: to.sub }),
      ...(to.label === undefined ? {} : { label: to.label }),
      ...(to.delegation === undefined ? {} : { delegation: to.delegation }),
    })
  } finally {
    await server.close()
  }
}
