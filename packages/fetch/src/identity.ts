import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isIdentifier, type PublishedKey } from '@countersign/protocol'
import { keysFile } from '@countersign/protocol/node'
import { makeFolder } from './folder.js'
import { UsageError } from './usage-error.js'

/** Where the command keeps what must outlive it: keys, enrolments, tokens. Mode 0700. */
export function stateFolder(state: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const folder =
    state ?? env['COUNTERSIGN_STATE'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'countersign')
  makeFolder(folder, 'owner')
  return folder
}

/** The flags of a command that the next one needs as well, as a shell takes them. */
export function repeatFlags({
  state,
  development,
}: {
  readonly state?: string
  readonly development?: boolean
}): string {
  const folder =
    state === undefined
      ? ''
      : ` --state ${/^[\w./~@:+-]+$/.test(state) ? state : `'${state.replaceAll("'", "'\\''")}'`}`
  return `${folder}${development === true ? ' --development' : ''}`
}

/** The identifier as given, or a refusal that says what one looks like. */
export function requireIdentifier(value: string, what: string, development: boolean): string {
  if (isIdentifier(value, { development })) return value
  throw new UsageError(
    `${what} must be an https origin without path or trailing slash, such as https://agent.example${development ? ', or http://localhost:PORT' : ' (http://localhost:PORT needs --development)'}; got ${JSON.stringify(value)}${suggestIdentifier(value, development)}`,
  )
}

/** What was probably meant, where it is an identifier but for its spelling. */
function suggestIdentifier(value: string, development: boolean): string {
  const text = /^\w+:\/\//.test(value) ? value : `https://${value}`
  if (!URL.canParse(text)) return ''
  const { origin } = new URL(text)
  const secure = origin.replace(/^http:/, 'https:')
  if (isIdentifier(origin, { development })) return `; did you mean ${origin}?`
  return isIdentifier(origin, { development: true })
    ? `; did you mean ${origin} with --development?`
    : isIdentifier(secure)
      ? `; did you mean ${secure}?`
      : ''
}

/**
 * The private keys of an own agent identity: in the state folder, never in the folder that is published.
 * @param missing `make` makes them; else a text that says how to, with which it is refused: under keys made while a request is
 *   signed nobody would know the agent
 * @throws UsageError
 */
export function loadOwnKeys(
  folder: string,
  id: string,
  missing: 'make' | { readonly refusal: string },
): Promise<PublishedKey[]> {
  const keys = join(folder, 'agents')
  makeFolder(keys, 'owner')
  const file = join(keys, `${new URL(id).host.replace(':', '_')}.json`)
  if (missing !== 'make' && !existsSync(file))
    throw new UsageError(`there are no keys of ${id} in ${keys}: ${missing.refusal}`)
  return keysFile(file, { missing: missing === 'make' ? 'make' : 'refuse' })
}
