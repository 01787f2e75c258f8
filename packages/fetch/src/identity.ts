import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isIdentifier, type PublishedKey } from '@countersign/protocol'
import { keysFile } from '@countersign/protocol/node'
import { makeFolder } from './folder.js'
import { UsageError } from './usage-error.js'

/** Returns the folder for keys, enrolments and tokens, and makes it with mode 0700. */
export function stateFolder(state: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const folder =
    state ?? env['COUNTERSIGN_STATE'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'countersign')
  makeFolder(folder, 'owner')
  return folder
}

/** Returns the flags that the next command needs as well, quoted for a shell. */
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

/** Checks an identifier. @throws UsageError that says what one looks like */
export function requireIdentifier(value: string, what: string, development: boolean): string {
  if (isIdentifier(value, { development })) return value
  throw new UsageError(
    `${what} must be an https origin without path or trailing slash, such as https://agent.example${development ? ', or http://localhost:PORT' : ' (http://localhost:PORT needs --development)'}; got ${JSON.stringify(value)}${suggestIdentifier(value, development)}`,
  )
}

/** Suggests an identifier for a value that is nearly one. */
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
 * Loads the private keys of an agent identity from the state folder, never from the published folder.
 * @param missing `make` makes missing keys; else `refusal` says how to make them: no resource would know keys that were made
 *   just before a request
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
