import { type Trial, Undecided } from '../case/trial.js'
import { pathOf, type Visit } from '../participants/origin.js'
import type { Participant } from '../participants/participant.js'
import { replyBytes, visitBytes } from '../participants/received.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { signDraft } from '../signing/draft.js'
import { readToken } from '../signing/token.js'
import type { Acted, Errand } from '../user/user.js'
import { jsonBody, type WireRequest, type WireResponse } from '../wire/message.js'
import { type AuthServerStage, asked, type Delegate, formDraft, resourceToken } from './stage.js'

/** What a user is asked for. */
export interface Question {
  readonly agent: Participant
  /** Who asks; default the agent itself. */
  readonly delegate?: Delegate | undefined
  /** Default the scope that users are asked about. */
  readonly scope?: string | undefined
  readonly resource?: Participant | undefined
  readonly state?: string | undefined
  /** Parameters beside the usual ones, or in place of them. */
  readonly form?: Readonly<Record<string, string>> | undefined
}

/** A request that waits for a user. */
export interface Waiting {
  readonly agent: Participant
  readonly signer: Signer
  readonly requestToken: string
  readonly redirectUri: string
  readonly state: string
}

/** What became of a decision. */
export interface Decided {
  readonly acted: Acted
  /** The requests that came to the callbacks of the agent meanwhile. */
  readonly visits: readonly Visit[]
  /** Their parameters. */
  readonly answers: readonly URLSearchParams[]
}

/** A member of an answer, as text. */
export function memberOf(response: WireResponse | undefined, name: string): string {
  return String(response === undefined ? undefined : jsonBody(response)?.[name])
}

/** Asks for a scope that a user must decide about. @throws Undecided */
export async function askUser(trial: Trial, stage: AuthServerStage, question: Question): Promise<Waiting> {
  const { agent, delegate, scope = stage.configuration.consentScope ?? '', resource, state = 'state-1' } = question
  const signer = delegate ?? byPublishedKey(agent)
  const redirectUri = `${agent.id}/callback`
  const response = await trial.control('a request that a user must decide', () => {
    const token = resourceToken(stage, undefined, { agent, scope, resource, signer: delegate })
    const form = { request_type: 'auth', resource_token: token, redirect_uri: redirectUri, state, ...question.form }
    return asked(stage, form, signer)
  })
  return { agent, signer, requestToken: memberOf(response, 'request_token'), redirectUri, state }
}

/** The link by which an agent sends a user to the auth server. @see protocol §6.3 */
export function linkOf(stage: AuthServerStage, waiting: Waiting, more: Readonly<Record<string, string>> = {}): string {
  const { requestToken, redirectUri, state } = waiting
  const query = new URLSearchParams({ request_token: requestToken, redirect_uri: redirectUri, state, ...more })
  return `${String(stage.metadata['agent_auth_endpoint'])}?${query}`
}

/** Lets a user decide about a request that waits, and notes what came back to the agent. */
export async function letDecide(
  trial: Trial,
  stage: AuthServerStage,
  o: Pick<Errand, 'decision' | 'meanwhile' | 'choose' | 'wait'> & {
    readonly waiting: Waiting
    readonly title: string
    readonly user?: Errand['user']
    readonly link?: string
  },
): Promise<Decided> {
  const { waiting } = o
  const { visits } = waiting.agent.origin
  const before = visits.length
  const { decision, user = '1', link = linkOf(stage, waiting), meanwhile, choose, wait } = o
  const acted = await actorOf(stage).act({ url: link, decision, user, meanwhile, choose, wait })
  const came = visits.slice(before).filter(({ target }) => pathOf(target).startsWith('/callback'))
  for (const visit of came)
    trial.shown(`${o.title}: what comes back to the agent`, visitBytes(visit), replyBytes(visit))
  const answers = came.map(({ target }) => new URL(target, waiting.agent.id).searchParams)
  return { acted, visits: came, answers }
}

/** Lets a user type the code of a device, and decide. */
export function actOnDevice(
  stage: AuthServerStage,
  errand: Omit<Errand, 'user'>,
  user: Errand['user'] = '1',
): Promise<Acted> {
  return actAt(stage, { ...errand, user })
}

/** Lets a user act on a page; default the first user. */
export function actAt(
  stage: AuthServerStage,
  errand: Omit<Errand, 'user'> & { readonly user?: Errand['user'] },
): Promise<Acted> {
  return actorOf(stage).act({ user: '1', ...errand })
}

/** @throws TypeError where the case has not said that it needs a user */
function actorOf({ user }: AuthServerStage): NonNullable<AuthServerStage['user']> {
  if (user === undefined) throw new TypeError('the case needs a user')
  return user
}

/** A request that a user has allowed, and the code for it. */
export interface Allowed extends Waiting {
  readonly code: string
  readonly decided: Decided
}

/** Lets a user allow a request: the control of cases about codes. @throws Undecided */
export async function allowedBy(
  trial: Trial,
  stage: AuthServerStage,
  { user = '1', ...waiting }: Waiting & { readonly user?: Errand['user'] },
): Promise<Allowed> {
  const decided = await letDecide(trial, stage, { waiting, title: 'the user allows it', decision: 'allow', user })
  const codes = codesOf(decided)
  const [code] = codes
  if (code !== undefined && codes.length === 1) return { ...waiting, code, decided }
  throw new Undecided(
    'failed',
    `could not decide: ${codes.length} codes came where a user should allow one request; ${decided.acted.detail}`,
  )
}

/** The codes among the answers. */
export function codesOf({ answers }: Decided): string[] {
  return answers.flatMap(answer => answer.getAll('code'))
}

/** Asks, and lets the user allow it. @throws Undecided */
export async function allowed(trial: Trial, stage: AuthServerStage, question: Question): Promise<Allowed> {
  return allowedBy(trial, stage, await askUser(trial, stage, question))
}

/** The form by which a code is redeemed. */
export function codeForm({ code, redirectUri, requestToken }: Allowed): Readonly<Record<string, string>> {
  return { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken }
}

/** What a user has granted. */
export interface Granted extends Allowed {
  readonly token: string
  readonly refreshToken: string
  /** The claims of the auth token. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly answer: WireResponse
}

/** Redeems a code. @throws Undecided */
export async function redeemed(trial: Trial, stage: AuthServerStage, one: Allowed): Promise<Granted> {
  const answer = await trial.control('the agent redeems the code', () => asked(stage, codeForm(one), one.signer))
  const token = memberOf(answer, 'auth_token')
  return { ...one, answer, token, refreshToken: memberOf(answer, 'refresh_token'), claims: claimsOf(answer) }
}

/** The claims of the auth token in an answer; none where there is no token. */
export function claimsOf(response: WireResponse | undefined): Readonly<Record<string, unknown>> {
  return readToken(memberOf(response, 'auth_token'))?.claims ?? {}
}

/** Asks, lets the user allow it, and redeems the code. @throws Undecided */
export async function granted(trial: Trial, stage: AuthServerStage, question: Question): Promise<Granted> {
  return redeemed(trial, stage, await allowed(trial, stage, question))
}

/** The request by which an agent gives back what a user has granted. */
export function givenBack(stage: AuthServerStage, { refreshToken, signer }: Granted): WireRequest {
  return signDraft(formDraft(stage, { token: refreshToken }, { endpoint: 'revocation_endpoint', signer }))
}
