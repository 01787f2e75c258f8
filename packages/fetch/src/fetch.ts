import { readFileSync } from 'node:fs'
import { AgentError, type Explanation, explain } from '@countersign/agent'
import { type AgentAuth, isIdentifier, parseAgentAuth } from '@countersign/protocol'
import { agentOf, type IdentityFlags, requireUrl, stepLine } from './agent.js'
import { type AnswerFlags, showAnswer } from './answer.js'
import type { CommandNames } from './command-names.js'
import { captureFirst, printUnsent } from './dry-run.js'
import { exitCode } from './exit-code.js'
import { withFlagNames } from './flag-words.js'
import { interactOf } from './interact.js'
import { printable, printJson } from './output.js'
import { type Paint, paintFor } from './paint.js'
import { readAtMost } from './read-at-most.js'
import { type ObservedRefusal, observeRefusals, refusalNames } from './refusals.js'
import { describeStatus } from './status.js'
import { UsageError } from './usage-error.js'
import { describeRefusals } from './user-advice.js'

/** Flags of `countersign fetch`. */
export interface FetchFlags extends IdentityFlags, AnswerFlags {
  readonly request?: string
  readonly data?: string
  readonly header?: readonly string[]
  readonly json?: boolean
  readonly dryRun?: boolean
  readonly purposes?: readonly string[]
}

/** The flags that the command was called with, and the names of commands for its texts. */
interface Invocation {
  readonly flags: FetchFlags
  readonly names: CommandNames
}

/** `countersign fetch URL`: prints the final body; exit code 0 only for a status below 400. */
export async function fetchUrl(url: string, flags: FetchFlags, names: CommandNames): Promise<void> {
  const target = requireUrl(url)
  const init = readRequest(flags)
  if (flags.dryRun) return dryRun(target, init, { flags, names })
  const paint = paintFor(process.stderr)
  const note = (line: string): void => {
    if (flags.verbose && !flags.json) console.error(paint('dim', printable(line)))
  }
  note(`> ${init.method} ${target.href} as ${flags.as}`)
  const refusals = observeRefusals(target)
  const agent = await agentOf(flags, {
    interact: interactOf(flags, process.stderr),
    names,
    fetch: refusals.fetch,
    onEvent: event => note(stepLine(event)),
  })
  const response = await agent
    .fetch(target, { ...init, ...(flags.as === 'anonymous' ? { redirect: 'manual' } : purposesOf(flags)) })
    .catch(error => {
      throw networkError(error, target)
    })
  const explanation = flags.as === 'anonymous' ? undefined : explain(response)
  if (flags.json) await printReport(response, explanation)
  else await showAnswer(response, flags, paint)
  if (response.status < 400) return
  const hint = await findHint(target, response, { flags, names, refusals: refusals.all() })
  if (!flags.json) printFailure(response, { explanation, hint, paint })
  process.exitCode = hint.needsUser ? exitCode.needsUser : exitCode.refused
}

function purposesOf({ purposes }: FetchFlags): { readonly purposes?: readonly string[] } {
  return purposes === undefined
    ? {}
    : { purposes: purposes.flatMap(names => names.split(/[\s,]+/)).filter(name => name !== '') }
}

interface FailureFacts {
  readonly explanation: Explanation | undefined
  readonly hint: Hint
  readonly paint: Paint
}

function printFailure(response: Response, { explanation, hint, paint }: FailureFacts): void {
  const text = `${response.status}: ${describeReason(response, explanation)}${hint.text}`
  console.error(`${paint('red', 'countersign:')} ${printable(text)}`)
}

/** Returns the error for a plain `fetch` that failed: the reason is only in its cause. */
function networkError(error: unknown, { host }: URL): unknown {
  if (!(error instanceof TypeError) || error.message !== 'fetch failed') return error
  const { code, message } = Object(error.cause) as { readonly code?: string; readonly message?: string }
  return new AgentError('network', `${host} could not be reached: ${code ?? message ?? 'no answer'}`)
}

/** Prints the first request that the agent would send, and sends nothing. */
async function dryRun(target: URL, init: RequestInit, { flags, names }: Invocation): Promise<void> {
  if (flags.as === 'anonymous') {
    const { fetch: take, captured: taken } = captureFirst()
    await take(target, init).catch(() => undefined)
    return printIfUnsent(taken())
  }
  const { fetch: take, captured: taken } = captureFirst(flags.as === 'pseudonym' ? 'httpsig' : 'httpsig; identity=?1')
  const agent = await agentOf(flags, { interact: undefined, onEvent: () => undefined, names, fetch: take })
  const failure: unknown = await agent.fetch(target, init).catch((error: unknown) => error)
  // An error before any request, such as a missing key, is reported as without --dry-run.
  if (taken() === undefined) throw failure
  await printIfUnsent(taken())
}

async function printIfUnsent(unsent: ReturnType<ReturnType<typeof captureFirst>['captured']>): Promise<void> {
  if (unsent !== undefined) await printUnsent(unsent)
}

function readRequest(flags: FetchFlags): { method: string; headers: Headers; body?: Uint8Array<ArrayBuffer> } {
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

/** Returns the type of a body: JSON when it parses as JSON, else a form, as curl sends it. */
function guessType(body: Uint8Array): string {
  try {
    JSON.parse(new TextDecoder().decode(body))
    return 'application/json'
  } catch {
    return 'application/x-www-form-urlencoded'
  }
}

/** What the user can change, and whether a user must agree first. */
interface Hint {
  readonly text: string
  readonly needsUser?: true
}

interface HintContext extends Invocation {
  readonly refusals: readonly ObservedRefusal[]
}

/** Returns a hint about the flags that newcomers miss: --development, --auth-server, and how to ask a user. */
async function findHint(target: URL, response: Response, { flags, names, refusals }: HintContext): Promise<Hint> {
  if (flags.as === 'anonymous') return { text: '' }
  if (flags.development !== true && target.protocol === 'http:')
    return { text: ' (add --development to allow http on this machine)' }
  const { authServer } = readChallenge(response)
  // The user will type it into a shell, so it must be an identifier and nothing more (command injection).
  const { development = false } = flags
  if (flags.as === 'pseudonym' || !isIdentifier(authServer, { development })) return { text: '' }
  if (!flags.authServer?.includes(authServer)) return { text: ` (add --auth-server ${authServer} to get tokens there)` }
  const refusal = refusals.at(-1)
  // An auth server that must ask a user answers invalid_request when there is no way to. A user cannot help with other errors.
  const asksUser = refusal === undefined || refusal.error === 'invalid_request'
  if (asksUser && interactOf(flags, process.stderr) === undefined)
    return {
      text: ' (no terminal: --no-browser prints where a user can agree, --device shows a code to type in)',
      needsUser: true,
    }
  return { text: await describeRefusals(refusals, flags, names) }
}

/** Returns the challenge of a response; an empty one when it cannot be parsed. */
function readChallenge(response: Response): AgentAuth {
  const header = response.headers.get('agent-auth')
  try {
    return header === null ? {} : parseAgentAuth(header)
  } catch {
    return {}
  }
}

function describeReason(response: Response, explanation: Explanation | undefined): string {
  if (explanation?.reason !== undefined) return withFlagNames(explanation.reason)
  if (!response.headers.has('agent-auth')) return describeStatus(response.status)
  if (explanation !== undefined)
    return explanation.outcome === 'answered' ? describeStatus(response.status) : explanation.outcome
  const challenge = readChallenge(response)
  if (challenge.authToken) return 'an auth token is needed: use --as agent or --as delegate'
  if (challenge.identity) return 'the resource asks who you are: use --as agent or --as delegate'
  return 'a signature is needed: use --as pseudonym'
}

/** Bytes of a body that the report holds: it is one text, so the body must be in memory as a whole. */
const longestReported = 33_554_432

async function printReport(response: Response, explanation: Explanation | undefined): Promise<void> {
  const bytes = await readAtMost(response, longestReported).catch((cause: unknown) => {
    if (!(cause instanceof RangeError)) throw cause
    throw new UsageError(`the body has more than ${longestReported} bytes, too many for --json: leave it out`)
  })
  const body = new TextDecoder().decode(bytes)
  const headers = Object.fromEntries(response.headers)
  const { status } = response
  printJson({ status, headers, body, ...explanation, refusal: status < 400 ? undefined : refusalNames(body) }, 2)
}
