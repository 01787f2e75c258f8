import { randomUUID } from 'node:crypto'
import { type Trial, Undecided } from '../case/trial.js'
import type { AgentConfiguration } from '../config/agent-configuration.js'
import type { PublishedKeys } from '../participants/caller.js'
import type { TokenAnswer, TokenDesk, TokenRequest } from '../participants/desk.js'
import { type Answer, openOrigin, type Reply, type Visit } from '../participants/origin.js'
import type { Participant } from '../participants/participant.js'
import { publishedKey } from '../participants/participant.js'
import { replyBytes, visitBytes } from '../participants/received.js'
import { makeKey } from '../signing/key.js'
import type { Issuer } from '../signing/token.js'
import { headerValue } from '../wire/message.js'
import type { Ended, ProgramRun } from './program.js'

/** The agent under test, and the participants around it. */
export interface AgentStage {
  readonly configuration: AgentConfiguration
  readonly authServer: Participant
  readonly otherAuthServer: Participant
  /** A resource and auth server that has no part in any call: what it has signed is right, and not of this call. */
  readonly stranger: Participant
  /** The token endpoint of the auth server. */
  readonly desk: TokenDesk
  /** The published keys of the agent. */
  readonly keys: PublishedKeys
  /** Controls that were made already, by their titles. */
  readonly controls: Map<string, Promise<Called>>
  readonly runProgram: (o: ProgramRun) => Promise<Ended>
  now(): number
}

/** What became of one call of the agent. */
export interface Called {
  /** The resource that it was told to call. */
  readonly resource: Issuer
  readonly authority: string
  /** All signed requests that came to the resource. */
  readonly visits: readonly Visit[]
  /** All requests to the token endpoint of the auth server that belong to this call. */
  readonly asked: readonly TokenRequest[]
  /** Whether the agent says that the call succeeded: it ended with 0. */
  readonly succeeded: boolean
  /** Whether it had to be ended. */
  readonly wasEnded: boolean
  /** What it printed. */
  readonly output: string
}

/** What the participants of one call know of it. */
export interface CallPlace {
  readonly resource: Issuer
  readonly authority: string
  /** Stands in all tokens and codes of this call. */
  readonly mark: string
}

/** The commands of an agent. */
export type CommandName = 'command' | 'post' | 'interactive' | 'device' | 'approve' | 'unidentified' | 'otherUser'

/** A call, and what the resource answers. */
export interface Call {
  readonly title: string
  /** Path and query of the URL; default `/`. */
  readonly target?: string
  /** Default `command`. */
  readonly by?: CommandName
  /** More members of the metadata of the resource. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Answers each signed request; `round` counts from 0. One without a signature is asked for it. */
  readonly answer: (visit: Visit, round: number, place: CallPlace) => ReturnType<Answer>
  /** Answers token requests; default: they are refused. */
  readonly token?: (request: TokenRequest, place: CallPlace) => ReturnType<TokenAnswer>
  /** Milliseconds after which the agent is told to call the same URL once more. */
  readonly again?: number
  /** By which command it is told so; default the same. */
  readonly againBy?: CommandName
  /** Told of all that the agent has printed so far. */
  readonly onOutput?: (output: string) => void
}

/** Lets the agent call a resource of its own, once. */
export async function call(trial: Trial, stage: AgentStage, o: Call): Promise<Called> {
  const origin = await openOrigin()
  const resource: Issuer = { id: origin.id, kid: 'k1', key: makeKey() }
  const place: CallPlace = { resource, authority: new URL(origin.id).host, mark: randomUUID() }
  const asked: TokenRequest[] = []
  const close = stage.desk.open(place.mark, request => {
    asked.push(request)
    return o.token?.(request, place) ?? { status: 400, body: '{"error":"invalid_request"}' }
  })
  try {
    origin.publish('/jwks.json', { keys: [publishedKey(resource.kid, resource.key)] })
    origin.publish('/.well-known/aauth-resource', {
      issuer: origin.id,
      resource: origin.id,
      jwks_uri: `${origin.id}/jwks.json`,
      auth_servers: [stage.authServer.id],
      supported_scopes: ['conformance.read'],
      ...o.metadata,
    })
    let round = 0
    origin.answer('*', visit => (isSigned(visit) ? o.answer(visit, round++, place) : askForSignature()))
    const ended = await runAgent(stage, o, `${origin.id}${o.target ?? '/'}`)
    const visits = origin.visits.filter(isSigned)
    const detail = `${visits.length} signed requests came; the agent ended with ${ended.code ?? 'nothing'}`
    trial.holds(`${o.title}: the agent ends by itself`, !ended.wasEnded, detail)
    for (const visit of visits) trial.shown(`${o.title}: a request of the agent`, visitBytes(visit), replyBytes(visit))
    for (const { visit } of asked)
      trial.shown(`${o.title}: a request to the auth server`, visitBytes(visit), replyBytes(visit))
    const { wasEnded, output } = ended
    trial.printed(`${o.title}: what the agent printed`, output)
    return { resource, authority: place.authority, visits, asked, succeeded: ended.code === 0, wasEnded, output }
  } finally {
    close()
    await origin.close()
  }
}

/** Runs the agent once, or twice. The second run counts only where the first was a success. */
async function runAgent({ configuration, runProgram }: AgentStage, o: Call, url: string): Promise<Ended> {
  const { deadline } = configuration
  const run = (by: CommandName = 'command') =>
    runProgram({ command: configuration[by] ?? [], url, deadline, onOutput: o.onOutput })
  const first = await run(o.by)
  if (o.again === undefined || first.code !== 0) return first
  await new Promise(resolve => setTimeout(resolve, o.again))
  return run(o.againBy ?? o.by)
}

const isSigned = (visit: Visit): boolean => headerValue(visit, 'signature-key') !== undefined

/** An answer that the agent makes a success of. */
export function done(): Reply {
  return { headers: { 'content-type': 'application/json' }, body: '{"done":true}' }
}

/** A refusal that asks for something. */
export function challenged(
  agentAuth: string | readonly string[],
  o: { readonly error?: string; readonly headers?: Readonly<Record<string, string>>; readonly status?: number } = {},
): Reply {
  const { error = 'insufficient_level', headers, status = 401 } = o
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'agent-auth': agentAuth, ...headers },
    body: JSON.stringify({ error, reason: error, error_description: 'a test' }),
  }
}

/** An agent may call a resource that it has never met without a signature, and sign once it is asked to. */
function askForSignature(): Reply {
  return challenged('httpsig', { error: 'invalid_signature' })
}

/** A call of which the agent must make a success, or nothing can be said about its variations. @throws Undecided */
export async function controlCall(trial: Trial, stage: AgentStage, o: Call): Promise<Called> {
  const called = await call(trial, stage, o)
  mustSucceed(trial, called, o.title)
  return called
}

interface CommonControl<T> {
  readonly title: string
  readonly make: (trial: Trial) => Promise<T>
}

/** The control that many cases have in common. It is called once in a run. @throws Undecided */
export async function commonControl<T extends Called>(
  trial: Trial,
  stage: AgentStage,
  { title, make }: CommonControl<T>,
): Promise<T> {
  const known = stage.controls.get(title) as Promise<T> | undefined
  const making = known ?? make(trial)
  stage.controls.set(title, making)
  const called = await making
  mustSucceed(trial, called, title)
  if (known !== undefined) trial.holds(`the control was a success before: ${title}`, true)
  return called
}

/** A GET that a resource answers at once. @throws Undecided */
export function plainControl(trial: Trial, stage: AgentStage): Promise<Called> {
  const title = 'a GET'
  return commonControl(trial, stage, { title, make: one => call(one, stage, { title, answer: done }) })
}

/** Of a control that has failed, each case shows what the agent printed. */
function mustSucceed(trial: Trial, { succeeded, visits, output }: Called, title: string): void {
  if (succeeded && visits.length > 0) return
  trial.printed(`${title}: the agent did not make a success of it`, output, { isControl: true })
  throw new Undecided('failed', `could not decide: the agent did not make a success of the control (${title})`)
}
