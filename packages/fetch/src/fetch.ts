import { readFileSync } from 'node:fs'
import { type AgentEvent, type Explanation, explain } from '@countersign/agent'
import { type AgentAuth, isIdentifier, parseAgentAuth } from '@countersign/protocol'
import { agentOf, type IdentityFlags, requireUrl, stepLine } from './agent.js'
import type { CommandNames } from './command.js'
import { inFlags } from './flag-words.js'
import { interactOf } from './interact.js'
import { noteLines, onOneLine, printJson, writeBody } from './output.js'
import { UsageError } from './usage-error.js'

/** Flags of `countersign fetch`. */
export interface FetchFlags extends IdentityFlags {
  readonly request?: string
  readonly data?: string
  readonly header?: readonly string[]
  readonly json?: boolean
}

/** `countersign fetch URL`: prints the final body; exit code 0 only for a status below 400. */
export async function fetchUrl(url: string, flags: FetchFlags, names: CommandNames): Promise<void> {
  const target = requireUrl(url)
  const init = requestOf(flags)
  const steps: AgentEvent[] = []
  const onEvent = (event: AgentEvent): void => {
    steps.push(event)
    if (flags.verbose && !flags.json) noteLines(stepLine(event))
  }
  if (flags.verbose && !flags.json) noteLines(`> ${init.method} ${target.href} as ${flags.as}`)
  const agent = await agentOf(flags, { interact: interactOf(flags, process.stderr), onEvent, names })
  const response = await agent.fetch(target, { ...init, ...(flags.as === 'anonymous' ? { redirect: 'manual' } : {}) })
  const explanation = flags.as === 'anonymous' ? undefined : explain(response)
  if (flags.json) await printReport(response, explanation)
  else await print(response, flags)
  if (response.status >= 400) {
    if (!flags.json)
      noteLines(
        `countersign: ${response.status}: ${reasonOf(response, explanation)}${hintFor(target, response, flags)}`,
      )
    process.exitCode = 1
  }
}

function requestOf(flags: FetchFlags): { method: string; headers: Headers; body?: Uint8Array<ArrayBuffer> } {
  const headers = new Headers()
  for (const line of flags.header ?? []) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new UsageError(`a header line reads "Name: value"; got ${JSON.stringify(line)}`)
    headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  const body = flags.data === undefined ? undefined : readBody(flags.data)
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', guessType(body))
  return {
    method: flags.request ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    ...(body === undefined ? {} : { body }),
  }
}

function readBody(data: string): Uint8Array<ArrayBuffer> {
  if (!data.startsWith('@')) return new TextEncoder().encode(data)
  return new Uint8Array(readFileSync(data === '@-' ? 0 : data.slice(1)))
}

/** JSON when it is JSON, else a form as curl sends it. */
function guessType(body: Uint8Array): string {
  try {
    JSON.parse(new TextDecoder().decode(body))
    return 'application/json'
  } catch {
    return 'application/x-www-form-urlencoded'
  }
}

async function print(response: Response, flags: FetchFlags): Promise<void> {
  if (flags.verbose) {
    noteLines(`< ${response.status} ${onOneLine(response.statusText)}`)
    for (const [name, value] of response.headers) noteLines(`< ${name}: ${onOneLine(value)}`)
    noteLines('<')
  }
  await writeBody(response.body, process.stdout)
  if (process.stdout.isTTY) process.stdout.write('\n')
}

/** What a newcomer forgets first: plain http on the own machine, and naming the auth server. */
function hintFor(target: URL, response: Response, flags: FetchFlags): string {
  if (flags.as === 'anonymous') return ''
  if (flags.development !== true && target.protocol === 'http:')
    return ' (add --development to allow http on this machine)'
  const { authServer } = challengeOf(response)
  // It is to be typed: nothing that is more than an identifier, to a shell.
  const { development = false } = flags
  if (flags.as === 'pseudonym' || !isIdentifier(authServer, { development })) return ''
  if (!flags.authServer?.includes(authServer)) return ` (add --auth-server ${authServer} to get tokens there)`
  return interactOf(flags, process.stderr) === undefined
    ? ' (no terminal: --no-browser prints where a user can agree, --device shows a code to type in)'
    : ''
}

/** The challenge of a refusal; nothing for one that cannot be read. */
function challengeOf(response: Response): AgentAuth {
  const header = response.headers.get('agent-auth')
  try {
    return header === null ? {} : parseAgentAuth(header)
  } catch {
    return {}
  }
}

function reasonOf(response: Response, explanation: Explanation | undefined): string {
  if (explanation !== undefined) return inFlags(explanation.reason ?? explanation.outcome)
  if (!response.headers.has('agent-auth')) return 'refused'
  const challenge = challengeOf(response)
  if (challenge.authToken) return 'an auth token is needed: use --as agent or --as delegate'
  if (challenge.identity) return 'the resource asks who you are: use --as agent or --as delegate'
  return 'a signature is needed: use --as pseudonym'
}

async function printReport(response: Response, explanation: Explanation | undefined): Promise<void> {
  const body = await response.text()
  const headers = Object.fromEntries(response.headers)
  printJson({ status: response.status, headers, body, ...explanation }, 2)
}
