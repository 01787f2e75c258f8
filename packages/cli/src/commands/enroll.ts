import { readFileSync } from 'node:fs'
import { delegateAgent } from './delegate.js'
import { requireIdentifier, stateFolder } from './identity.js'

/** Flags of `countersign enroll`. */
export interface EnrollFlags {
  readonly code: string
  readonly state?: string
  readonly development?: boolean
}

/** `countersign enroll AGENT-SERVER --code CODE`: makes a key, trades the code for an agent token, keeps both. */
export async function enroll(agentServer: string, flags: EnrollFlags): Promise<void> {
  const development = flags.development ?? false
  const server = requireIdentifier(agentServer, 'the agent server', development)
  const code = flags.code === '-' ? readFileSync(0, 'utf8').trim() : flags.code
  const agent = delegateAgent({ folder: stateFolder(flags.state), agentServer: server, code, development })
  const { agent: id, delegate } = await agent.identify()
  console.log(`enrolled as ${delegate ?? ''} of ${id}`)
  console.log(`  countersign fetch URL --as delegate --id ${server}${development ? ' --development' : ''}`)
}
