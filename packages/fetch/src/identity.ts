import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isIdentifier, type PublishedKey } from '@countersign/protocol'
import { keysFile } from '@countersign/protocol/node'
import { UsageError } from './usage-error.js'

/** Where the command keeps what must outlive it: keys, enrolments, tokens. Mode 0700. */
export function stateFolder(state: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const folder =
    state ?? env['COUNTERSIGN_STATE'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'countersign')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** The identifier as given, or a refusal that says what one looks like. */
export function requireIdentifier(value: string, what: string, development: boolean): string {
  if (isIdentifier(value, { development })) return value
  throw new UsageError(
    `${what} must be an https origin without path or trailing slash, such as https://agent.example${development ? ', or http://localhost:PORT' : ' (http://localhost:PORT needs --development)'}; got ${JSON.stringify(value)}`,
  )
}

/** The private keys of an own agent identity: in the state folder, never in the folder that is published. */
export function ownKeys(folder: string, id: string): Promise<PublishedKey[]> {
  const keys = join(folder, 'agents')
  mkdirSync(keys, { recursive: true, mode: 0o700 })
  return keysFile(join(keys, `${new URL(id).host.replace(':', '_')}.json`))
}
